import { GitRepository } from '../../api/git-repository.ts';
import { kindRef } from '../../api/kind.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { formatKey, keyOf } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import { requestedAtAnnotation } from '../../runtime/request.ts';
import { refOf } from '../../runtime/status-patch.ts';
import type { GitPushed } from './hook-event.ts';

export interface CommitWakerOptions {
  client: KubeClient;
  logger: Logger;
  clock?: Clock;
  signal: AbortSignal;
}

/** Has the GitRepositories that follow a pushed branch fetched now. */
export async function wakeByCommit({ urls, branches }: GitPushed, options: CommitWakerOptions): Promise<void> {
  const { client, logger, clock = systemClock, signal } = options;
  const places = new Set(urls.map(placeOf));
  const { items } = await client.list<GitRepository>(kindRef(GitRepository), { signal });
  const concerned = items.filter(({ spec }) => {
    const followed = spec.ref?.branch ?? (spec.ref === undefined ? 'master' : undefined);
    // A repository that follows tags or a full name may be concerned by any push.
    return (
      spec.suspend !== true && places.has(placeOf(spec.url)) && (followed === undefined || branches.includes(followed))
    );
  });
  const metadata = { annotations: { [requestedAtAnnotation]: new Date(clock.now()).toISOString() } };
  for (const repository of concerned) await client.patch(refOf(repository), 'merge', { metadata }, { signal });
  logger.info(`commits on ${branches.join(', ')}`, { wakes: concerned.map((object) => formatKey(keyOf(object))) });
}

/** Host and path, whatever the scheme, the user and the ending: `https://`, `ssh://` and `git@host:path` are one place. */
export function placeOf(url: string): string {
  const short = /^(?:[^@/]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(url);
  const parsed = short === null && URL.canParse(url) ? new URL(url) : undefined;
  const host = short?.[1] ?? parsed?.hostname ?? '';
  const path = short?.[2] ?? parsed?.pathname ?? url;
  return `${host}/${path.replace(/^\/+|(?:\.git)?\/*$/g, '')}`.toLowerCase();
}
