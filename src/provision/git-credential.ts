import type { Configuration } from './configuration.ts';

/** The user name that a git host wants beside a token (spec/provisioning.md §11). */
export function defaultGitUsername(url: string): string {
  const { hostname } = new URL(url);
  if (hostname === 'bitbucket.org') return 'x-bitbucket-api-token-auth';
  if (hostname === 'github.com') return 'x-access-token';
  return 'git';
}

export function gitUsername({ git }: Pick<Configuration, 'git'>): string {
  return git.credential.username ?? defaultGitUsername(git.url);
}

/** Public host keys, as the vendors publish them. */
const knownHosts: Readonly<Record<string, string>> = {
  'bitbucket.org': 'bitbucket.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO',
  'github.com': 'github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
  'gitlab.com': 'gitlab.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf',
};

/** The known_hosts line of a git host, where it is one of the large ones. */
export function knownHostsOf(url: string): string | undefined {
  return knownHosts[new URL(url).hostname];
}
