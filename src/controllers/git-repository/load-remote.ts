import type { GitRepository } from '../../api/git-repository.ts';
import { errorMessage } from '../../base/error.ts';
import { type GitProxy, type GitRemote, parseRemoteUrl, type RemoteUrl } from '../../git/remote.ts';
import type { KubeClient } from '../../kube/client.ts';
import { readSecret, type SecretData } from '../source/secret-data.ts';
import { SourceFault } from '../source/source-fault.ts';
import { parseGitAuth, parseProxy } from './git-auth.ts';
import { checkGithubData, checkProvider, type GitProviders } from './git-provider.ts';

export interface RemoteDeps {
  client: KubeClient;
  providers?: GitProviders;
}

/**
 * The remote of a GitRepository with its credentials, from its Secrets as they are now. Throws SourceFault with the
 * reasons of spec/source.md §4.4: `URLInvalid`, `InvalidProviderConfiguration`, `FeatureGateDisabled` (stalled),
 * `AuthenticationFailed`.
 */
export async function loadRemote(object: GitRepository, deps: RemoteDeps, signal: AbortSignal): Promise<GitRemote> {
  const { client, providers = {} } = deps;
  checkProvider(object, providers);
  const proxy = await loadProxy(object, client, signal);
  const url = parseUrl(object.spec.url);
  if (proxy !== undefined && url.scheme === 'ssh') {
    throw authFault('failed to configure proxy options: a proxy can be used with HTTP/S repositories only');
  }
  const secret = await loadSecret(object, object.spec.secretRef?.name, client, signal);
  checkGithubData(object, secret);
  const where = `${object.metadata.namespace ?? ''}/${object.spec.secretRef?.name ?? ''}`;
  try {
    const kept = parseGitAuth(url, secret, where);
    const auth = await exchangedAuth(object, { url, secret, providers, signal });
    return {
      url: url.url,
      ...kept,
      ...(auth === undefined ? {} : { auth }),
      ...(proxy === undefined ? {} : { proxy }),
    };
  } catch (cause) {
    signal.throwIfAborted();
    throw authFault(`failed to configure authentication options: ${errorMessage(cause)}`, cause);
  }
}

async function exchangedAuth(
  { spec, metadata }: GitRepository,
  {
    url,
    secret,
    providers,
    signal,
  }: { url: RemoteUrl; secret: SecretData | undefined; providers: GitProviders; signal: AbortSignal },
) {
  if (spec.provider === 'github' && secret !== undefined) return providers.githubApp?.(secret, url, signal);
  if (spec.provider !== 'aws') return undefined;
  const name = spec.serviceAccountName;
  const account = name === undefined ? undefined : { namespace: metadata.namespace ?? '', name };
  return providers.codeCommit?.(url, account, signal);
}

function parseUrl(text: string): RemoteUrl {
  try {
    return parseRemoteUrl(text);
  } catch (cause) {
    throw new SourceFault('URLInvalid', errorMessage(cause), { kind: 'stalled', cause });
  }
}

async function loadProxy(
  object: GitRepository,
  client: KubeClient,
  signal: AbortSignal,
): Promise<GitProxy | undefined> {
  const name = object.spec.proxySecretRef?.name;
  const prefix = 'failed to configure proxy options: ';
  const data = await loadSecret(object, name, client, signal, prefix);
  if (data === undefined) return undefined;
  try {
    return parseProxy(data, `${object.metadata.namespace ?? ''}/${name}`);
  } catch (cause) {
    throw authFault(`${prefix}${errorMessage(cause)}`, cause);
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
