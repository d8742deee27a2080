import type { ImageUpdateAutomation } from '../../../api/image-update-automation.ts';
import { MillraceError } from '../../../base/error.ts';
import type { GitAuth } from '../../../git/remote.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { readSecret } from '../../source/secret-data.ts';
import { gitHostSecretAnnotation } from '../annotations.ts';

/**
 * What the API of a git host is asked with: the Secret that the automation names for it (`token`, or `username` and
 * `password`), else what git itself is asked with. Throws GIT_HOST_CREDENTIAL for a Secret that is missing or holds neither.
 */
export async function loadApiAuth(
  { metadata }: ImageUpdateAutomation,
  ofGit: GitAuth,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<GitAuth> {
  const name = metadata.annotations?.[gitHostSecretAnnotation];
  if (name === undefined) return ofGit;
  const where = `secret '${metadata.namespace}/${name}' of annotation ${gitHostSecretAnnotation}`;
  const secret = await readSecret(client, { namespace: metadata.namespace ?? '', name }, signal);
  if (secret === undefined) throw noCredential(`${where} does not exist`);
  const token = secret.data.get('token')?.trim();
  if (token) return { kind: 'bearer', token };
  const [username, password] = [secret.data.get('username'), secret.data.get('password')];
  if (username && password) return { kind: 'basic', username, password };
  throw noCredential(`${where} has neither 'token' nor 'username' and 'password'`);
}

/** User name of Bitbucket's repository, project and workspace access tokens, for git alone. */
const bitbucketTokenUser = 'x-token-auth';

/**
 * The Authorization header. The password that git gives to GitHub and GitLab is a token, which their APIs take as a bearer
 * token, GitLab's in no other way; Bitbucket's API takes app passwords and API tokens with their user, access tokens
 * without. Throws GIT_HOST_CREDENTIAL where there is only a key for SSH, or nothing.
 */
export function authorizationOf(host: string, auth: GitAuth): string {
  if (auth.kind === 'bearer') return `Bearer ${auth.token}`;
  if (auth.kind !== 'basic') {
    throw noCredential(
      `git is asked ${auth.kind === 'ssh' ? 'over SSH' : 'without a credential'}: no token for the API of ${host}`,
    );
  }
  const { username, password } = auth;
  if (host === 'bitbucket' && username !== bitbucketTokenUser) {
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
  return `Bearer ${password}`;
}

function noCredential(message: string): MillraceError {
  return new MillraceError('GIT_HOST_CREDENTIAL', message, {
    hint: `Put an access token that may open pull requests under the key 'token' of a Secret, and name that in the annotation ${gitHostSecretAnnotation}.`,
  });
}
