import { errorMessage } from '../../base/error.ts';
import { type GitProxy, type GitRemote, parseRemoteUrl, type RemoteUrl } from '../../git/remote.ts';
import type { KubeClient } from '../../kube/client.ts';
import { readSecret, type SecretData } from '../source/secret-data.ts';
import { SourceFault } from '../source/source-fault.ts';
import { parseGitAuth, parseProxy } from './git-auth.ts';
import type { GitRepository } from './git-object.ts';

/**
 * The remote of a GitRepository with its credentials, from its Secrets as they are now. Throws SourceFault with the
 * reasons of spec/source.md §4.4: `URLInvalid` (stalled), `AuthenticationFailed`.
 */
export async function loadRemote(object: GitRepository, client: KubeClient, signal: AbortSignal): Promise<GitRemote> {
  const proxy = await loadProxy(object, client, signal);
  const url = parseUrl(object.spec.url);
  const secret = await loadSecret(object, object.spec.secretRef?.name, client, signal);
  const where = `${object.metadata.namespace ?? ''}/${object.spec.secretRef?.name ?? ''}`;
  try {
    return { url: url.url, ...parseGitAuth(url, secret, where), ...(proxy === undefined ? {} : { proxy }) };
  } catch (cause) {
    throw authFault(`failed to configure authentication options: ${errorMessage(cause)}`, cause);
  }
}

function parseUrl(text: string): RemoteUrl {
  try {
    return parseRemoteUrl(text);
  } catch (cause) {
    const message = `failed to parse url '${text}': ${errorMessage(cause)}`;
    throw new SourceFault('URLInvalid', message, { kind: 'stalled', cause });
  }
}

async function loadProxy(
  object: GitRepository,
  client: KubeClient,
  signal: AbortSignal,
): Promise<GitProxy | undefined> {
  const name = object.spec.proxySecretRef?.name;
  const data = await loadSecret(object, name, client, signal, 'failed to configure proxy options: ');
  if (data === undefined) return undefined;
  try {
    return parseProxy(data, `${object.metadata.namespace ?? ''}/${name}`);
  } catch (cause) {
    throw authFault(`failed to configure proxy options: ${errorMessage(cause)}`, cause);
  }
}

async function loadSecret(
  object: GitRepository,
  name: string | undefined,
  client: KubeClient,
  signal: AbortSignal,
  prefix = '',
): Promise<SecretData | undefined> {
  if (name === undefined) return undefined;
  const namespace = object.metadata.namespace ?? '';
  const secret = await readSecret(client, { namespace, name }, signal);
  if (secret !== undefined) return secret.data;
  throw authFault(`${prefix}failed to get secret '${namespace}/${name}': secrets "${name}" not found`);
}

function authFault(message: string, cause?: unknown): SourceFault {
  return new SourceFault('AuthenticationFailed', message, { cause });
}
