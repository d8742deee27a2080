import type { GitHost } from './git-host.ts';
import { firstOf, type GitHostOptions, textOf } from './rest-client.ts';

/** Bitbucket Cloud: REST API 2.0, "Pullrequests". */
export function createBitbucket({ path, api, rest }: GitHostOptions): GitHost {
  const base = (api ?? 'https://api.bitbucket.org/2.0').replace(/\/+$/, '');
  const requests = `${base}/repositories/${path}/pullrequests`;
  return {
    async ensurePullRequest({ source, target, title, body: description }, signal) {
      const quoted = (text: string) => JSON.stringify(text);
      const q = `state="OPEN" AND source.branch.name=${quoted(source)} AND destination.branch.name=${quoted(target)}`;
      const open = firstOf(
        await rest.send('GET', `${requests}?${new URLSearchParams({ q })}`, undefined, signal),
        'values',
      );
      const body = {
        title,
        description,
        source: { branch: { name: source } },
        destination: { branch: { name: target } },
        close_source_branch: true,
      };
      const id = textOf(open, 'id');
      const answer =
        open === undefined
          ? await rest.send('POST', requests, body, signal)
          : await rest.send('PUT', `${requests}/${id}`, { title, description }, signal);
      return { url: textOf(answer, 'links', 'html', 'href'), isNew: open === undefined };
    },
  };
}
