import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TagRegistry {
  /** `127.0.0.1:port`, as image names have it. */
  host: string;
  /** Tags by repository; listed in this order. */
  tags: Record<string, string[]>;
  /** Asked of every request when set: `user:password`. */
  credential: string | undefined;
  /** Answers a request instead of the registry when it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** How long a page of tags takes to be made, in milliseconds. Default 0. */
  pageDelayMs: number;
  /** `METHOD path` of each request. */
  requests: string[];
  digestOf(tag: string): string;
  close(): Promise<void>;
}

/** A registry that has tags and digests and nothing else: the distribution API's listing on loopback. */
export async function startTagRegistry(): Promise<TagRegistry> {
  const digestOf = (tag: string) => `sha256:${createHash('sha256').update(tag).digest('hex')}`;
  const server = createServer((request, response) => {
    registry.requests.push(`${request.method} ${request.url}`);
    if (registry.intercept?.(request, response) === true) return;
    const wanted = registry.credential && `Basic ${Buffer.from(registry.credential).toString('base64')}`;
    if (wanted && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
      return;
    }
    answer(request, response);
  });
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://registry');
    if (url.pathname === '/v2/') return response.end('{}');
    const [, name = '', what, reference = ''] = /^\/v2\/(.+)\/(tags|manifests)\/(.+)$/.exec(url.pathname) ?? [];
    const tags = registry.tags[name];
    if (tags === undefined)
      return response.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN","message":"unknown"}]}');
    if (what === 'manifests') {
      if (!tags.includes(reference)) return response.writeHead(404).end();
      return response.writeHead(200, { 'docker-content-digest': digestOf(reference) }).end();
    }
    const from = Number(url.searchParams.get('last') ?? 0);
    const page = tags.slice(from, from + Number(url.searchParams.get('n') ?? 1000));
    const next = from + page.length;
    const link = next < tags.length ? { link: `<${url.pathname}?n=${page.length}&last=${next}>; rel="next"` } : {};
    const send = () =>
      response
        .writeHead(200, { 'content-type': 'application/json', ...link })
        .end(JSON.stringify({ name, tags: page }));
    return registry.pageDelayMs === 0 ? send() : setTimeout(send, registry.pageDelayMs);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registry: TagRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    tags: {},
    credential: undefined,
    intercept: undefined,
    pageDelayMs: 0,
    requests: [],
    digestOf,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;
}
