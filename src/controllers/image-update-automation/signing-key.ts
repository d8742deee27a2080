import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { errorMessage } from '../../base/error.ts';
import { inspectPgpKey } from '../../git/signature/pgp-signature.ts';
import type { SigningKey } from '../../git/signature/sign.ts';
import { isLockedSshKey } from '../../git/signature/ssh-key.ts';
import type { KubeClient } from '../../kube/client.ts';
import { readSecret } from '../source/secret-data.ts';

/** The key that commits are signed with, from a Secret of the automation's namespace; messages of spec/image.md §8.6. */
export async function loadSigningKey(
  { spec, metadata }: ImageUpdateAutomation,
  client: KubeClient,
  signal: AbortSignal,
): Promise<SigningKey | undefined> {
  const reference = spec.git?.commit.signingKey;
  if (reference === undefined) return undefined;
  const { name } = reference.secretRef;
  const secret = await readSecret(client, { namespace: metadata.namespace ?? '', name }, signal);
  if (secret === undefined) throw new Error(`could not find signing key secret '${name}': secrets "${name}" not found`);
  const { data } = secret;
  if (reference.type === 'ssh') {
    const identity = data.get('identity');
    if (!identity) throw new Error(`signing key secret '${name}' does not contain an 'identity' key`);
    const passphrase = data.get('password');
    if (!passphrase && isLockedSshKey(identity)) throw new Error(locked('password', name));
    return { kind: 'ssh', identity, ...(passphrase && { passphrase }) };
  }
  const armoredKey = data.get('git.asc');
  if (!armoredKey) throw new Error(`signing key secret '${name}' does not contain a 'git.asc' key`);
  const passphrase = data.get('passphrase');
  const { count, locked: isLocked } = await inspectPgpKey(armoredKey).catch((cause: unknown) => {
    throw new Error(`unable to read the key 'git.asc' of signing key secret '${name}': ${errorMessage(cause)}`, {
      cause,
    });
  });
  if (count > 1)
    throw new Error(`multiple entities read from secret '${name}', could not determine which signing key to use`);
  if (!passphrase && isLocked) throw new Error(locked('passphrase', name));
  return { kind: 'gpg', armoredKey, ...(passphrase && { passphrase }) };
}

function locked(field: string, name: string): string {
  return `can not use passphrase protected signing key without '${field}' field present in secret ${name}`;
}
