import type { GitHost } from './git-host.ts';
import { firstOf, type GitHostOptions, type RestClient, textOf } from './rest-client.ts';

/** GitLab: REST API v4, "Merge requests". */
export function createGitlab({ hostname, path, api, rest }: GitHostOptions): GitHost {
  const base = api ?? `https://${hostname}/api/v4`;
  const requests = `${base.replace(/\/+$/, '')}/projects/${encodeURIComponent(path)}/merge_requests`;
  return {
    async ensurePullRequest({ source, target, title, body: description }, signal) {
      const query = new URLSearchParams({ state: 'opened', source_branch: source, target_branch: target });
      const open = firstOf(await rest.send('GET', `${requests}?${query}`, undefined, signal));
      if (open === undefined)
        return { url: await create(rest, requests, { source, target, title, description }, signal), isNew: true };
      await rest.send('PUT', `${requests}/${textOf(open, 'iid')}`, { title, description }, signal);
      return { url: textOf(open, 'web_url'), isNew: false };
    },
  };
}

interface NewRequest {
  source: string;
  target: string;
  title: string;
  description: string;
}

async function create(rest: RestClient, requests: string, wanted: NewRequest, signal: AbortSignal): Promise<string> {
  const { source, target, title, description } = wanted;
  const body = { source_branch: source, target_branch: target, title, description, remove_source_branch: true };
  return textOf(await rest.send('POST', requests, body, signal), 'web_url');
}
