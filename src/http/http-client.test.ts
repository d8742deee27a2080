import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { newLifetime } from '../base/deadline.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { httpStatusError, isHttpStatus, retryAfterMs } from './http-status.ts';

const { signal } = newLifetime();
const open: { server: Server; client: HttpClient }[] = [];

async function serve(listener: RequestListener, options = {}): Promise<{ url: string; client: HttpClient }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createHttpClient(options);
  open.push({ server, client });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, client };
}
afterEach(async () => {
  for (const { server, client } of open.splice(0)) {
    await client.close({ force: true });
    server.closeAllConnections();
    server.close();
  }
});

test('keeps connections, up to the limit', async () => {
  const sockets = new Set<unknown>();
  const { url, client } = await serve(
    (request, response) => {
      sockets.add(request.socket);
      response.end('ok');
    },
    { connections: 2 },
  );
  await Promise.all(Array.from({ length: 20 }, async () => (await client.send({ url, signal })).text()));
  expect(sockets.size).toBeLessThanOrEqual(2);
});

test('a deadline covers the headers, the signal covers the body too', async () => {
  const { url, client } = await serve((request, response) => {
    if (request.url === '/silent') return;
    response.writeHead(200);
    response.write('begin');
  });
  await expect(client.send({ url: `${url}/silent`, signal, timeoutMs: 50 })).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
  });
  const abort = new AbortController();
  const response = await client.send({ url, signal: abort.signal, timeoutMs: 5000 });
  const body = response.text();
  const reason = new Error('enough');
  setTimeout(() => abort.abort(reason), 80);
  await expect(body).rejects.toBe(reason);
});

test('an answer without end is cut', async () => {
  const { url, client } = await serve((_, response) => response.end('x'.repeat(1000)));
  const response = await client.send({ url, signal });
  await expect(response.text(999)).rejects.toMatchObject({ code: 'HTTP_TOO_LARGE' });
});

test('a body that breaks off is an error, not an end', async () => {
  const { url, client } = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    setTimeout(() => response.destroy(), 10);
  });
  const response = await client.send({ url, signal });
  await expect(response.text()).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
});

test('follows redirects, without credentials to another origin', async () => {
  const seen: (string | undefined)[] = [];
  const other = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.end('there');
  });
  const { url, client } = await serve((request, response) => {
    seen.push(request.headers.authorization);
    const location = request.url === '/' ? '/next' : `${other.url}/blob`;
    response.writeHead(307, { location }).end();
  });
  const request = { url: `${url}/`, headers: { Authorization: 'Bearer t' }, signal, redirects: 3 };
  const response = await client.send(request);
  expect(await response.text()).toBe('there');
  expect(response.url).toBe(`${other.url}/blob`);
  expect(seen).toEqual(['Bearer t', 'Bearer t', undefined]);
  expect((await client.send({ ...request, redirects: 1 })).status).toBe(307);
});

test('tells an error status with the start of the answer', async () => {
  const { url, client } = await serve((_, response) => {
    response.writeHead(503, { 'retry-after': '7' }).end('try later\nmore');
  });
  const request = { url: `${url}/x?token=1`, signal };
  const error = await httpStatusError(request, await client.send(request));
  expect(error).toMatchObject({ code: 'HTTP_STATUS', message: `GET ${url}/x: 503 try later`, retryAfterMs: 7000 });
  expect(isHttpStatus(error, 503)).toBe(true);
  expect(isHttpStatus(error, 404)).toBe(false);
});

test('goes through a proxy, but not to hosts that are excepted', async () => {
  const { url, client: direct } = await serve((_, response) => response.end('target'));
  await direct.close();
  let tunnels = 0;
  const proxyServer = createServer();
  proxyServer.on('connect', (_, socket) => {
    tunnels++;
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxyServer.listen(0, '127.0.0.1', resolve));
  const http = `http://127.0.0.1:${(proxyServer.address() as AddressInfo).port}`;
  const through = createHttpClient({ proxy: { http } });
  await expect(through.send({ url, signal })).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  expect(tunnels).toBe(1);
  const derived = through.derive({ insecureSkipTlsVerify: true });
  await expect(derived.send({ url, signal })).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  expect(tunnels).toBe(2);
  await derived.close({ force: true });
  const around = createHttpClient({ proxy: { http, noProxy: '127.0.0.1' } });
  expect(await (await around.send({ url, signal })).text()).toBe('target');
  await Promise.all([through.close({ force: true }), around.close({ force: true })]);
  proxyServer.close();
});

const retryAfterCases = [
  { value: '12', want: 12_000 },
  { value: 'Thu, 01 Jan 1970 00:00:30 GMT', want: 20_000 },
  { value: 'soon', want: undefined },
];
for (const { value, want } of retryAfterCases) {
  test(`reads Retry-After: ${value}`, () => expect(retryAfterMs({ 'retry-after': value }, 10_000)).toBe(want));
}
