import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type DockerRegistry, findDockerRegistry, startDockerRegistry } from '../../test/support/docker-registry.ts';
import { makeTempDir } from '../../test/support/git-repository.ts';
import { createHttpClient } from '../http/http-client.ts';
import { pushBlob, pushManifest, readBlob } from './blobs.ts';
import { getManifest, mediaTypes, resolveDigest } from './manifest.ts';
import type { Repository } from './reference.ts';
import { createRegistry, type RegistryOptions } from './registry.ts';
import { listTags } from './tags.ts';

const signal = new AbortController().signal;
const http = createHttpClient();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Repository> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, name: 'org/app' };
}
const open = (options: Partial<RegistryOptions> = {}) => createRegistry({ http, retryDelayMs: 1, ...options });
const json = (response: ServerResponse, body: unknown, headers = {}, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

test('follows pages, logs in by token, and keeps the token', async () => {
  const asked: string[] = [];
  const repository = await serve((request, response) => {
    const url = new URL(request.url ?? '', `http://${request.headers.host}`);
    asked.push(`${url.pathname}${url.search}`);
    if (url.pathname === '/token') {
      if (request.headers.authorization !== `Basic ${Buffer.from('u:p').toString('base64')}`)
        return json(response, {}, {}, 401);
      return json(response, { token: 'T' });
    }
    const realm = `Bearer realm="${url.origin}/token",service="here"`;
    if (request.headers.authorization !== 'Bearer T') return json(response, {}, { 'www-authenticate': realm }, 401);
    if (url.searchParams.has('last')) return json(response, { tags: ['3'] });
    return json(response, { tags: ['1', '2'] }, { link: '</v2/org/app/tags/list?last=2&n=1000>; rel="next"' });
  });
  const registry = open({ login: async () => ({ kind: 'password', username: 'u', password: 'p' }) });
  expect(await listTags(registry, repository, { signal })).toEqual(['1', '2', '3']);
  expect(asked).toEqual([
    '/v2/',
    '/token?service=here&scope=repository%3Aorg%2Fapp%3Apull',
    '/v2/org/app/tags/list?n=1000',
    '/v2/org/app/tags/list?last=2&n=1000',
  ]);
});

test.each([
  ['another host', '<http://evil.example/v2/x>; rel="next"', /host does not match/],
  ['another scheme', '<https://127.0.0.1/v2/x>; rel="next"', /scheme does not match/],
])('a next page on %s is refused', async (_, link, message) => {
  const repository = await serve((_request, response) => json(response, { tags: [] }, { link }));
  await expect(listTags(open(), repository, { signal })).rejects.toMatchObject({
    code: 'OCI_PAGINATION_REFUSED',
    message,
  });
});

test.each([
  [401, 'OCI_AUTH_DENIED', 2],
  [403, 'OCI_AUTH_DENIED', 1],
  [404, 'OCI_NOT_FOUND', 1],
  [429, 'OCI_RATE_LIMITED', 3],
  [500, 'OCI_STATUS', 3],
])('status %i is %s after %i attempts at the most', async (status, code, attempts) => {
  let count = 0;
  const repository = await serve((request, response) => {
    if (request.url === '/v2/') return json(response, {});
    count++;
    json(response, { errors: [{ code: 'X', message: 'because' }] }, {}, status);
  });
  await expect(listTags(open(), repository, { signal })).rejects.toMatchObject({ code, message: /X: because/ });
  expect(count).toBeLessThanOrEqual(attempts);
});

test('a fault that passes is overcome', async () => {
  let count = 0;
  const repository = await serve((request, response) => {
    if (request.url === '/v2/') return json(response, {});
    if (++count === 1) return void response.destroy();
    if (count === 2) return json(response, {}, {}, 503);
    json(response, { tags: ['a'] });
  });
  expect(await listTags(open(), repository, { signal })).toEqual(['a']);
});

test.each([
  ['half a listing', '{"tags": ["1"'],
  ['a page', '<html>'],
  ['another answer', '[]'],
  ['no tags', '{"tags":[1]}'],
])('%s is no listing', async (_, body) => {
  const repository = await serve((_request, response) => void response.end(body));
  await expect(listTags(open(), repository, { signal })).rejects.toMatchObject({ code: 'OCI_STATUS' });
});

test('a login that ends in the middle of a listing is made anew once, and a refusal of that one stands', async () => {
  let valid = 'first';
  const repository = await serve((request, response) => {
    const url = new URL(request.url ?? '', 'http://registry');
    const wanted = `Basic ${Buffer.from(`AWS:${valid}`).toString('base64')}`;
    if (request.headers.authorization !== wanted)
      return json(response, {}, { 'www-authenticate': 'Basic realm="r"' }, 401);
    const page = Number(url.searchParams.get('last') ?? 0);
    if (page === 1) valid = 'second';
    const link = page < 3 ? { link: `</v2/org/app/tags/list?n=1000&last=${page + 1}>; rel="next"` } : {};
    json(response, { tags: [String(page)] }, link);
  });
  const logins: string[] = [];
  const refused: string[] = [];
  const options = (passwords: string[]) => ({
    login: async () => {
      const password = passwords.shift() ?? 'none';
      logins.push(password);
      return { kind: 'password' as const, username: 'AWS', password };
    },
    onRefused: ({ host }: Repository) => void refused.push(host),
  });
  expect(await listTags(open(options(['first', 'second'])), repository, { signal })).toEqual(['0', '1', '2', '3']);
  expect([logins, refused]).toEqual([['first', 'second'], [repository.host]]);
  await expect(listTags(open(options(['old', 'older', 'oldest'])), repository, { signal })).rejects.toMatchObject({
    code: 'OCI_AUTH_DENIED',
  });
  expect(logins.slice(2)).toEqual(['old', 'older']);
});

test('a listing that goes in circles ends as a fault', async () => {
  let count = 0;
  const repository = await serve((_request, response) => {
    count++;
    json(response, { tags: ['a'] }, { link: '</v2/org/app/tags/list?n=1000&last=a>; rel="next"' });
  });
  await expect(listTags(open(), repository, { signal })).rejects.toMatchObject({ message: /goes in circles/ });
  expect(count).toBeLessThan(6);
});

test('a registry that asks for a pause gets it', async () => {
  const at: number[] = [];
  const repository = await serve((request, response) => {
    if (request.url === '/v2/') return json(response, {});
    at.push(performance.now());
    if (at.length === 1) return json(response, {}, { 'retry-after': '1' }, 429);
    json(response, { tags: ['a'] });
  });
  expect(await listTags(open(), repository, { signal })).toEqual(['a']);
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(900);
});

test('a configured endpoint stands for a registry', async () => {
  const { host } = await serve((_request, response) => json(response, { tags: ['x'] }));
  const registry = open({ endpoints: { 'registry.example': `http://${host}` } });
  expect(await listTags(registry, { host: 'registry.example', name: 'a' }, { signal })).toEqual(['x']);
});

const installed = findDockerRegistry() !== undefined;
describe.skipIf(!installed)("Debian's docker-registry", () => {
  const temp = makeTempDir();
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry(temp.dir);
  });
  afterAll(async () => {
    await registry.close();
    temp.remove();
  });

  test('blobs and manifests go up and come down', async () => {
    const client = open();
    const repository = { host: registry.host, name: 'org/app' };
    await expect(listTags(client, repository, { signal })).rejects.toMatchObject({ code: 'OCI_NOT_FOUND' });
    const data = randomBytes(200_000);
    const layer = await pushBlob(client, repository, { data, mediaType: 'application/x' }, { signal });
    const config = await pushBlob(
      client,
      repository,
      { data: Buffer.from('{}'), mediaType: 'application/y' },
      { signal },
    );
    const raw = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }),
    );
    const digest = await pushManifest(client, repository, 'v1', { raw, mediaType: mediaTypes.ociManifest, signal });
    expect(await resolveDigest(client, repository, 'v1', { signal })).toBe(digest);
    expect(await listTags(client, repository, { signal })).toEqual(['v1']);
    const manifest = await getManifest(client, repository, digest, { signal });
    expect(manifest.layers).toEqual([layer]);
    const parts: Buffer[] = [];
    for await (const part of readBlob(client, repository, layer, { signal })) parts.push(part);
    expect(Buffer.concat(parts).equals(data)).toBe(true);
    const short = readBlob(client, repository, { ...layer, size: 10 }, { signal });
    await expect(short.next()).rejects.toMatchObject({ code: 'OCI_DIGEST_MISMATCH' });
    await expect(resolveDigest(client, repository, 'nope', { signal })).rejects.toMatchObject({
      code: 'OCI_NOT_FOUND',
    });
  });
});
