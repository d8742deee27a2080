import { setImmediate } from 'node:timers/promises';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { Repository } from './reference.ts';
import { foreignTarget, type Registry, registryUrl, sendToRegistry } from './registry.ts';

/** ECR refuses pages of more than this. */
const pageSize = 1000;
const maxPages = 10_000;
const maxPageBytes = 16 * 1024 * 1024;

/**
 * Every tag of a repository, in the registry's order. A listing that cannot be followed to its end is an error, never a
 * short answer. The next page must be on the registry itself (spec/image.md §2.7): OCI_PAGINATION_REFUSED otherwise.
 */
export async function listTags(
  registry: Registry,
  repository: Repository,
  { signal }: { signal: AbortSignal },
): Promise<string[]> {
  const tags: string[] = [];
  const base = new URL(await registryUrl(registry, repository, signal));
  const seen = new Set<string>();
  const ask = (path: string) => sendToRegistry(registry, repository, { method: 'GET', path, signal });
  let response = await ask(`tags/list?n=${pageSize}`);
  for (let page = 1; page <= maxPages; page++) {
    const next = nextPage(response.headers['link'], response.url, base);
    if (next !== undefined && seen.has(next)) {
      await response.discard();
      throw new MillraceError('OCI_STATUS', `GET ${next}: the listing of tags goes in circles`);
    }
    const { url } = response;
    const text = await response.text(maxPageBytes);
    const following = next === undefined ? undefined : ask(next);
    following?.catch(() => {});
    if (following !== undefined) await letRequestLeave();
    for (const tag of parseTags(text, url)) tags.push(tag);
    if (following === undefined || next === undefined) return tags;
    seen.add(next);
    response = await following;
  }
  await response.discard();
  throw new MillraceError('OCI_STATUS', `GET ${response.url}: the listing of tags does not end`);
}

/**
 * The registry works on the next page while this one is parsed, once the request has left: the connection takes one a turn
 * of the event loop after the end of an answer, and sends it in the next.
 */
async function letRequestLeave(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

function parseTags(text: string, url: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('OCI_STATUS', `GET ${url}: the list of tags is not JSON`, { cause });
  }
  const tags = isRecord(parsed) ? parsed['tags'] : undefined;
  if (tags === null && isRecord(parsed)) return [];
  if (tags === undefined && isRecord(parsed) && typeof parsed['name'] === 'string') return [];
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) {
    throw new MillraceError('OCI_STATUS', `GET ${url}: the answer is not a list of tags`);
  }
  return tags as string[];
}

/** Target of `Link: <…>; rel="next"`, absolute. */
function nextPage(link: string | undefined, current: string, base: URL): string | undefined {
  if (link === undefined || link.trim() === '') return undefined;
  const target = /^\s*<([^>]*)>/.exec(link)?.[1];
  if (target === undefined)
    throw new MillraceError('OCI_STATUS', `failed to parse link header '${link}': missing '<' or '>'`);
  if (target === '') return undefined;
  const next = new URL(target, current);
  if (next.protocol !== base.protocol) {
    throw foreignTarget('pagination URL scheme does not match registry scheme: potential SSRF attack');
  }
  if (next.host !== base.host) {
    throw foreignTarget('pagination URL host does not match registry host: potential SSRF attack');
  }
  return next.href;
}
