import { isMillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { readBlob } from '../../oci/blobs.ts';
import { type Descriptor, getManifest, type Manifest } from '../../oci/manifest.ts';
import { listReferrers } from '../../oci/referrers.ts';
import type { OpenRegistry } from '../image/registry-access.ts';

/** A signature as cosign version 2 attaches it: over a payload that names the digest. */
export interface SimpleSignature {
  payload: Buffer;
  /** Base64. */
  signature: string;
  annotations: Readonly<Record<string, string>>;
}

/** What of a bundle says which artifact it is about: an in-toto statement in a DSSE envelope. */
export interface SignedStatement {
  bundle: Record<string, unknown>;
  payload: Buffer;
  payloadType: string;
  /** Base64. */
  signatures: string[];
}

/** What is attached to an artifact and speaks of its digest; whether to believe it is another question. */
export interface AttachedSignatures {
  simple: SimpleSignature[];
  statements: SignedStatement[];
}

const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const bundleMediaType = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+)?\+json/;
/** What `cosign sign` states; other statements (an SBOM, a provenance) are no approval. */
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';
const maxPayloadBytes = 4 * 1024 * 1024;
const mostSignatures = 100;

/**
 * Finds signatures by cosign: layers of the tag `sha256-….sig` (version 2), and Sigstore bundles among the referrers of the
 * artifact, or where a registry knows none, in the index under `sha256-…` (version 3).
 */
export async function findSignatures(
  open: OpenRegistry,
  digest: string,
  signal: AbortSignal,
): Promise<AttachedSignatures> {
  const tag = digest.replace(':', '-');
  return {
    simple: await findSimple(open, digest, `${tag}.sig`, signal),
    statements: await findStatements(open, digest, tag, signal),
  };
}

async function findSimple(
  open: OpenRegistry,
  digest: string,
  tag: string,
  signal: AbortSignal,
): Promise<SimpleSignature[]> {
  const found: SimpleSignature[] = [];
  const manifest = await findManifest(open, tag, signal);
  for (const layer of manifest?.layers.slice(0, mostSignatures) ?? []) {
    const { annotations = {} } = layer;
    const signature = annotations[signatureAnnotation];
    if (signature === undefined) continue;
    const payload = await readSmallBlob(open, layer, signal);
    if (namesDigest(payload, digest)) found.push({ payload, signature, annotations });
  }
  return found;
}

async function findStatements(
  open: OpenRegistry,
  digest: string,
  tag: string,
  signal: AbortSignal,
): Promise<SignedStatement[]> {
  const { registry, repository } = open;
  const referrers =
    (await listReferrers(registry, repository, digest, { signal })) ??
    (await findManifest(open, tag, signal))?.manifests ??
    [];
  const found: SignedStatement[] = [];
  for (const { artifactType, digest: attached } of referrers.slice(0, mostSignatures)) {
    if (artifactType !== undefined && !bundleMediaType.test(artifactType)) continue;
    const manifest = await findManifest(open, attached, signal);
    for (const layer of manifest?.layers.slice(0, 1) ?? []) {
      if (!bundleMediaType.test(layer.mediaType)) continue;
      const statement = parseStatement(await readSmallBlob(open, layer, signal), digest);
      if (statement !== undefined) found.push(statement);
    }
  }
  return found;
}

/** The bundle's statement, where it is a signature of this digest. */
function parseStatement(text: Buffer, digest: string): SignedStatement | undefined {
  const bundle = parseJson(text.toString('utf8'));
  const envelope = isRecord(bundle) ? bundle['dsseEnvelope'] : undefined;
  if (!isRecord(bundle) || !isRecord(envelope)) return undefined;
  const { payload: encoded, payloadType, signatures } = envelope;
  if (typeof encoded !== 'string' || typeof payloadType !== 'string' || !Array.isArray(signatures)) return undefined;
  const payload = Buffer.from(encoded, 'base64');
  const statement = parseJson(payload.toString('utf8'));
  if (!isRecord(statement) || statement['predicateType'] !== signPredicate) return undefined;
  const [algorithm = '', hex] = digest.split(':');
  const subjects = Array.isArray(statement['subject']) ? statement['subject'] : [];
  const isAboutIt = subjects.some(
    (subject) => isRecord(subject) && isRecord(subject['digest']) && subject['digest'][algorithm] === hex,
  );
  if (!isAboutIt) return undefined;
  const found = signatures.flatMap((entry) =>
    isRecord(entry) && typeof entry['sig'] === 'string' ? [entry['sig']] : [],
  );
  return { bundle, payload, payloadType, signatures: found };
}

function namesDigest(payload: Buffer, digest: string): boolean {
  const parsed = parseJson(payload.toString('utf8'));
  const critical = isRecord(parsed) ? parsed['critical'] : undefined;
  const image = isRecord(critical) ? critical['image'] : undefined;
  return isRecord(image) && image['docker-manifest-digest'] === digest;
}

async function findManifest(
  { registry, repository }: OpenRegistry,
  reference: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  try {
    return await getManifest(registry, repository, reference, { signal });
  } catch (error) {
    if (isMillraceError(error, 'OCI_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function readSmallBlob(
  { registry, repository }: OpenRegistry,
  layer: Descriptor,
  signal: AbortSignal,
): Promise<Buffer> {
  if (layer.size > maxPayloadBytes) throw new Error(`a signature of ${layer.size} bytes`);
  const parts: Buffer[] = [];
  for await (const part of readBlob(registry, repository, layer, { signal })) parts.push(part);
  return Buffer.concat(parts);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
