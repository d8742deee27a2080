import type { GitHost } from './git-host.ts';
import { firstOf, type GitHostOptions, textOf } from './rest-client.ts';

/** GitHub and GitHub Enterprise: REST API 2022-11-28, "Pulls". */
export function createGithub({ hostname, path, api, rest }: GitHostOptions): GitHost {
  const base = api ?? (hostname === 'github.com' ? 'https://api.github.com' : `https://${hostname}/api/v3`);
  const pulls = `${base.replace(/\/+$/, '')}/repos/${path}/pulls`;
  const [owner = ''] = path.split('/');
  return {
    async ensurePullRequest({ source, target, title, body }, signal) {
      const query = new URLSearchParams({ state: 'open', head: `${owner}:${source}`, base: target });
      const open = firstOf(await rest.send('GET', `${pulls}?${query}`, undefined, signal));
      if (open === undefined) {
        const made = await rest.send('POST', pulls, { title, body, head: source, base: target }, signal);
        return { url: textOf(made, 'html_url'), isNew: true };
      }
      await rest.send('PATCH', `${pulls}/${textOf(open, 'number')}`, { title, body }, signal);
      return { url: textOf(open, 'html_url'), isNew: false };
    },
  };
}
