import type { OCIRepository } from '../../api/oci-repository.ts';
import { errorMessage } from '../../base/error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { formatReference } from '../../oci/reference.ts';
import { getCondition } from '../../runtime/conditions.ts';
import type { OpenRegistry } from '../image/registry-access.ts';
import { readSecret, type SecretData } from '../source/secret-data.ts';
import { SourceFault } from '../source/source-fault.ts';
import { isSignedByKey } from './cosign-key.ts';
import { type AttachedSignatures, findSignatures } from './cosign-signatures.ts';
import type { ResolvedArtifact } from './oci-revision.ts';

/** Whether the signature must be checked now: something new, a new spec, or it failed before (spec/source.md §5.3). */
export function needsVerification(object: OCIRepository, { revision }: ResolvedArtifact): boolean {
  if (object.spec.verify === undefined) return false;
  const verified = getCondition(object, 'SourceVerified');
  return (
    object.status?.artifact?.revision !== revision ||
    verified?.status !== 'True' ||
    verified.observedGeneration !== object.metadata.generation
  );
}

/**
 * Checks the signature of an artifact: cosign's, by the keys of `verify.secretRef`, or keyless by the Sigstore of
 * `verify.trustedRootSecretRef`. Notation is refused rather than taken on trust. Throws SourceFault `VerificationError`.
 */
export async function verifyArtifact(
  object: OCIRepository,
  open: OpenRegistry,
  { digest }: ResolvedArtifact,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<void> {
  const { verify } = object.spec;
  if (verify === undefined) return;
  if (verify.provider !== 'cosign') {
    throw refused(`signatures of provider '${verify.provider}' cannot be verified by this controller`);
  }
  const isKeyless = verify.secretRef === undefined;
  const prefix = `failed to verify the signature using provider 'cosign${isKeyless ? ' keyless' : ''}': `;
  const load = (name: string) => loadSecret(object, name, { client, signal, prefix });
  const check = isKeyless ? await keylessCheck(verify, load) : await keyCheck(verify.secretRef?.name ?? '', load);
  let isSigned: boolean;
  try {
    isSigned = await check(await findSignatures(open, digest, signal));
  } catch (cause) {
    signal.throwIfAborted();
    throw fault(`${prefix}${errorMessage(cause)}`, cause);
  }
  if (isSigned) return;
  throw fault(`${prefix}no matching signatures were found for '${formatReference(open.repository, digest)}'`);
}

type Check = (signatures: AttachedSignatures) => boolean | Promise<boolean>;
type Load = (name: string) => Promise<{ data: SecretData; none: (what: string) => SourceFault }>;

async function keyCheck(name: string, load: Load): Promise<Check> {
  const { data, none } = await load(name);
  const keys = [...data].filter(([entry]) => entry.endsWith('.pub')).map(([, pem]) => pem);
  if (keys.length === 0) throw none('no public keys found');
  return (signatures) => isSignedByKey(signatures, keys);
}

async function keylessCheck(verify: NonNullable<OCIRepository['spec']['verify']>, load: Load): Promise<Check> {
  const name = verify.trustedRootSecretRef?.name;
  if (name === undefined) {
    throw refused(
      'keyless signatures cannot be verified without a trust root; set spec.verify.trustedRootSecretRef to a Secret with trusted_root.json (cosign trusted-root create), or spec.verify.secretRef to public keys',
    );
  }
  const { data, none } = await load(name);
  const trustedRoot = data.get('trusted_root.json');
  if (!trustedRoot) throw none("no key 'trusted_root.json' found");
  // Loaded when the first such signature is checked.
  const { isSignedByIdentity } = await import('./cosign-keyless.ts');
  return (signatures) => isSignedByIdentity(signatures, { trustedRoot, identities: verify.matchOIDCIdentity ?? [] });
}

async function loadSecret(
  object: OCIRepository,
  name: string,
  { client, signal, prefix }: { client: KubeClient; signal: AbortSignal; prefix: string },
) {
  const namespace = object.metadata.namespace ?? '';
  const secret = await readSecret(client, { namespace, name }, signal);
  if (secret === undefined) throw fault(`${prefix}secrets "${name}" not found`);
  return { data: secret.data, none: (what: string) => fault(`${prefix}${what} in secret '${namespace}/${name}'`) };
}

function fault(message: string, cause?: unknown): SourceFault {
  return new SourceFault('VerificationError', message, { condition: 'SourceVerified', status: 'False', cause });
}

function refused(message: string): SourceFault {
  return new SourceFault('VerificationError', message, {
    condition: 'SourceVerified',
    status: 'False',
    kind: 'stalled',
  });
}
