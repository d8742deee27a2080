import type { GitRepository } from '../../api/git-repository.ts';
import { errorMessage } from '../../base/error.ts';
import type { SignedObject } from '../../git/commit-object.ts';
import { type TrustedKeys, verifySignedObject } from '../../git/signature/verify.ts';
import type { KubeClient } from '../../kube/client.ts';
import { readSecret } from '../source/secret-data.ts';
import { SourceFault } from '../source/source-fault.ts';
import { verificationMode } from './content-config.ts';
import type { ReadCommit } from './git-checkout.ts';

/**
 * Checks the signatures that `spec.verify` asks for and returns the text of the `SourceVerified` condition (spec/source.md
 * §4.1). Throws SourceFault on `SourceVerified`: `InvalidVerificationMode` (stalled), `VerificationError`,
 * `InvalidGitObject`, `InvalidTagSignature`, `InvalidCommitSignature`.
 */
export async function verifyGitCommit(
  object: GitRepository,
  { commit, tagName }: { commit: ReadCommit; tagName: string | undefined },
  client: KubeClient,
  signal: AbortSignal,
): Promise<string> {
  const mode = verificationMode(object.spec.verify);
  if (mode !== 'HEAD' && tagName === undefined) {
    const message = "cannot verify tag object's signature if a tag reference is not specified";
    throw fault('InvalidVerificationMode', message, { kind: 'stalled' });
  }
  const keys = await loadTrustedKeys(object, client, signal);
  const lines: string[] = [];
  if (mode !== 'HEAD') {
    const keyId = await verifyTag(commit.tag, tagName ?? '', keys);
    lines.push(`\n\t- tag '${tagName}' with key '${keyId}'`);
  }
  if (mode !== 'Tag') {
    const keyId = await verify(commit.commit, keys, (cause) =>
      fault(
        'InvalidCommitSignature',
        `signature verification of commit '${commit.oid}' failed: ${errorMessage(cause)}`,
        {
          cause,
        },
      ),
    );
    lines.push(`\n\t- commit '${commit.oid}' with key '${keyId}'`);
  }
  return `verified signature of${lines.join('')}`;
}

async function verifyTag(tag: SignedObject | undefined, name: string, keys: TrustedKeys): Promise<string> {
  if (tag?.signature === undefined) {
    throw fault('InvalidGitObject', `cannot verify signature of tag '${name}' since it is not signed`);
  }
  return verify(tag, keys, (cause) =>
    fault('InvalidTagSignature', `signature verification of tag '${name}' failed: ${errorMessage(cause)}`, { cause }),
  );
}

async function verify(object: SignedObject, keys: TrustedKeys, onFailure: (cause: unknown) => SourceFault) {
  try {
    return await verifySignedObject(object, keys);
  } catch (cause) {
    throw onFailure(cause);
  }
}

async function loadTrustedKeys(object: GitRepository, client: KubeClient, signal: AbortSignal): Promise<TrustedKeys> {
  const name = object.spec.verify?.secretRef.name ?? '';
  const secret = await readSecret(client, { namespace: object.metadata.namespace ?? '', name }, signal);
  if (secret === undefined) {
    throw fault('VerificationError', `public keys secret error: secrets "${name}" not found`);
  }
  const keys = { pgp: [] as string[], ssh: [] as string[] };
  for (const [entry, text] of secret.data) {
    if (entry.endsWith('.sshpub')) keys.ssh.push(...text.split('\n').filter((line) => line.trim() !== ''));
    else keys.pgp.push(text);
  }
  return keys;
}

function fault(reason: string, message: string, options: { kind?: 'stalled'; cause?: unknown } = {}): SourceFault {
  return new SourceFault(reason, message, { condition: 'SourceVerified', status: 'False', ...options });
}
