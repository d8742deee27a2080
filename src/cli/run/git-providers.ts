import type { AwsIdentities } from '../../aws/identities.ts';
import { codeCommitAuth, codeCommitRegion } from '../../controllers/git-repository/code-commit.ts';
import type { GitProviders } from '../../controllers/git-repository/git-provider.ts';
import { createGithubApps } from '../../controllers/git-repository/github-app.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { RunOptions } from './options.ts';

/** Logins at git hosts that are exchanged for: GitHub Apps, and CodeCommit by an AWS identity. */
export function gitProvidersOf(
  { featureGates }: Pick<RunOptions, 'featureGates'>,
  { http, identities }: { http: HttpClient; identities: AwsIdentities },
): GitProviders {
  const githubApps = createGithubApps({ http });
  return {
    objectLevelIdentity: featureGates.get('ObjectLevelWorkloadIdentity') ?? false,
    githubApp: (secret, _url, signal) => githubApps(secret, signal),
    async codeCommit(url, serviceAccount, signal) {
      const region = codeCommitRegion(url);
      const session = serviceAccount
        ? await identities.serviceAccount(serviceAccount, region, signal)
        : await identities.controller(region, signal);
      return codeCommitAuth(url, session.credentials);
    },
  };
}
