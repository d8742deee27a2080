import { createHash, X509Certificate } from 'node:crypto';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { compileTagPattern } from '../../images/tag-pattern.ts';
import { type AttachedSignatures, parseJson, type SimpleSignature } from './cosign-signatures.ts';

export interface KeylessTrust {
  /** Text of a `trusted_root.json`: authorities and logs of a Sigstore. */
  trustedRoot: string;
  /** RE2 patterns; any entry may match, and without entries every identity does. */
  identities: readonly { issuer: string; subject: string }[];
}

/**
 * Whether somebody whose identity is asked for made one of the signatures with a short-lived certificate: of a trusted
 * authority, written down in a trusted log while it was valid. Sigstore's own library checks that. Throws
 * SIGNATURE_TRUST_INVALID for a trust root or a pattern that is none.
 */
export async function isSignedByIdentity(
  { simple, statements }: AttachedSignatures,
  { trustedRoot, identities }: KeylessTrust,
): Promise<boolean> {
  const isWanted = identityFilter(identities);
  const verify = await createVerifier(trustedRoot);
  const candidates = [
    ...simple.map((signature) => ({ bundle: bundleOf(signature), artifact: signature.payload })),
    ...statements.map(({ bundle }) => ({ bundle, artifact: undefined })),
  ];
  return candidates.some(({ bundle, artifact }) => {
    const signer = bundle === undefined || !hasPlainLogNames(bundle) ? undefined : verify(bundle, artifact);
    return signer !== undefined && isWanted(signer);
  });
}

interface Signer {
  issuer: string;
  subject: string;
}

/** The signer of a bundle; undefined where anything about it is not as it should be. */
type VerifyBundle = (bundle: Record<string, unknown>, artifact: Buffer | undefined) => Signer | undefined;

async function createVerifier(trustedRoot: string): Promise<VerifyBundle> {
  const [{ TrustedRoot }, { bundleFromJSON }, { toSignedEntity, toTrustMaterial, Verifier }] = await Promise.all([
    import('@sigstore/protobuf-specs'),
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
  ]);
  const root = parsed(() => TrustedRoot.fromJSON(JSON.parse(trustedRoot)), "key 'trusted_root.json' is no trust root");
  if (root.certificateAuthorities.length === 0) throw invalid('the trust root names no certificate authority');
  const material = parsed(() => toTrustMaterial(root), 'the trust root cannot be read');
  const verifier = new Verifier(material, {
    // A Sigstore of one's own may do without a log of certificates, or attest the time by another service than its log.
    ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
    tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  });
  return (json, artifact) => {
    try {
      const bundle = bundleFromJSON(json);
      for (const entry of bundle.verificationMaterial.tlogEntries) {
        // Only the log's promise is over the time; without it anybody could have written another one.
        if (entry.inclusionPromise === undefined) entry.integratedTime = '0';
      }
      const { identity } = verifier.verify(toSignedEntity(bundle, artifact));
      const { extensions, subjectAlternativeName: subject } = identity ?? {};
      return subject === undefined ? undefined : { issuer: extensions?.issuer ?? '', subject };
    } catch {
      return undefined;
    }
  };
}

function identityFilter(identities: KeylessTrust['identities']): (signer: Signer) => boolean {
  const patterns = identities.map(({ issuer, subject }) => ({
    issuer: compileTagPattern(issuer, (complaint) => `failed to compile regex '${issuer}': ${complaint}`),
    subject: compileTagPattern(subject, (complaint) => `failed to compile regex '${subject}': ${complaint}`),
  }));
  return (signer) =>
    patterns.length === 0 ||
    patterns.some(({ issuer, subject }) => issuer.matches(signer.issuer) && subject.matches(signer.subject));
}

/** The library makes an expression of the names in a checkpoint: they may hold nothing that means something there. */
function hasPlainLogNames(bundle: Record<string, unknown>): boolean {
  const material = bundle['verificationMaterial'];
  const entries = isRecord(material) && Array.isArray(material['tlogEntries']) ? material['tlogEntries'] : [];
  return entries.every((entry: unknown) => {
    const proof = isRecord(entry) ? entry['inclusionProof'] : undefined;
    const checkpoint = isRecord(proof) ? proof['checkpoint'] : undefined;
    const envelope = isRecord(checkpoint) ? checkpoint['envelope'] : undefined;
    if (typeof envelope !== 'string') return true;
    return [...envelope.matchAll(/\u2014 (\S+) /g)].every(([, name = '']) => /^[\w.:/-]{1,255}$/.test(name));
  });
}

const certificateAnnotation = 'dev.sigstore.cosign/certificate';
const bundleAnnotation = 'dev.sigstore.cosign/bundle';

/** A keyless signature of cosign 2, whose parts are annotations, as the bundle that holds the same; undefined for one by key. */
function bundleOf({ payload, signature, annotations }: SimpleSignature): Record<string, unknown> | undefined {
  const entry = parseJson(annotations[bundleAnnotation] ?? '');
  const logged = isRecord(entry) ? entry['Payload'] : undefined;
  const certificate = derOf(annotations[certificateAnnotation] ?? '');
  if (!isRecord(entry) || !isRecord(logged) || certificate === undefined) return undefined;
  const body = Buffer.from(String(logged['body']), 'base64').toString('utf8');
  const kind = parseJson(body);
  if (!isRecord(kind)) return undefined;
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: certificate }] },
      tlogEntries: [
        {
          logIndex: String(logged['logIndex']),
          logId: { keyId: Buffer.from(String(logged['logID']), 'hex').toString('base64') },
          kindVersion: { kind: kind['kind'], version: kind['apiVersion'] },
          integratedTime: String(logged['integratedTime']),
          inclusionPromise: { signedEntryTimestamp: entry['SignedEntryTimestamp'] },
          canonicalizedBody: logged['body'],
        },
      ],
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(payload).digest('base64') },
      signature,
    },
  };
}

function derOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).raw.toString('base64');
  } catch {
    return undefined;
  }
}

function parsed<T>(work: () => T, what: string): T {
  try {
    return work();
  } catch (cause) {
    throw invalid(`${what}: ${errorMessage(cause)}`, cause);
  }
}

function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('SIGNATURE_TRUST_INVALID', message, { cause });
}
