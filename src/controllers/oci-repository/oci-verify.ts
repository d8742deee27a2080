import type { OCIRepository } from '../../api/oci-repository.ts';
import { errorMessage } from '../../base/error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { formatReference } from '../../oci/reference.ts';
import { getCondition } from '../../runtime/conditions.ts';
import type { OpenRegistry } from '../image/registry-access.ts';
import { readSecret } from '../source/secret-data.ts';
import { SourceFault } from '../source/source-fault.ts';
import { isSignedByKey } from './cosign.ts';
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
 * Checks the signature of an artifact. Only cosign with keys is done; keyless signatures need Sigstore's trust root, notation
 * its own, and both are refused rather than taken on trust. Throws SourceFault `VerificationError`.
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
  const name = verify.secretRef?.name;
  if (name === undefined) {
    throw refused('keyless signatures cannot be verified by this controller; set spec.verify.secretRef to public keys');
  }
  const prefix = "failed to verify the signature using provider 'cosign': ";
  const keys = await loadKeys(object, name, client, signal, prefix);
  let isSigned: boolean;
  try {
    isSigned = await isSignedByKey(open, digest, keys, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw fault(`${prefix}${errorMessage(cause)}`, cause);
  }
  if (isSigned) return;
  throw fault(`${prefix}no matching signatures were found for '${formatReference(open.repository, digest)}'`);
}

async function loadKeys(
  object: OCIRepository,
  name: string,
  client: KubeClient,
  signal: AbortSignal,
  prefix: string,
): Promise<string[]> {
  const namespace = object.metadata.namespace ?? '';
  const secret = await readSecret(client, { namespace, name }, signal);
  if (secret === undefined) throw fault(`${prefix}secrets "${name}" not found`);
  const keys = [...secret.data].filter(([entry]) => entry.endsWith('.pub')).map(([, pem]) => pem);
  if (keys.length === 0) throw fault(`${prefix}no public keys found in secret '${namespace}/${name}'`);
  return keys;
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
