import { type Exchange, openRepository, sendJson } from './exchange.ts';
import { RegistryFault } from './fault.ts';

/** ECR gives a page of at most 1,000 tags, which is also what it gives unasked. */
const maxTags = 1000;

/** GET tags/list, in pages: `n` tags after `last`, with a Link to the next page. */
export function answerTags(exchange: Exchange, repository: string): void {
  const { response, query } = exchange;
  const content = openRepository(exchange, 'ecr:ListImages', repository);
  const count = pageSize(query.get('n'));
  const { tags, more } = content.tagPage(query.get('last') ?? undefined, count);
  const last = tags.at(-1);
  if (more && last !== undefined) {
    const next = new URLSearchParams({ last, n: String(count) });
    response.setHeader('link', `</v2/${repository}/tags/list?${next}>; rel="next"`);
  }
  sendJson(response, 200, { name: repository, tags });
}

function pageSize(n: string | null): number {
  if (n === null) return maxTags;
  if (!/^\d{1,9}$/.test(n))
    throw new RegistryFault(400, 'PAGINATION_NUMBER_INVALID', 'invalid number of results requested');
  return Math.min(Number(n), maxTags);
}
