import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { type FrontServer, startFrontServer } from '../../../test/support/front-server.ts';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { startSocksProxy } from '../../../test/support/proxies.ts';
import { runCli } from '../../../test/support/run-cli.ts';
import { createOciHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import type { HttpListener } from '../../sandbox/http-listener.ts';
import { startPlainRegistry } from '../../sandbox/registry/start-registry.ts';

const temp = makeTempDir();
let registry: HttpListener;
let front: FrontServer;
let h: SourceHarness;
let number = 0;

beforeAll(async () => {
  registry = await startPlainRegistry({ dataDir: join(temp.dir, 'registry') });
  front = await startFrontServer(`127.0.0.1:${registry.port}`);
});
afterAll(async () => {
  await front?.close();
  await registry?.close();
  temp.remove();
});
beforeEach(async () => {
  front.intercept = undefined;
  front.onData = undefined;
  h = await createOciHarness(join(temp.dir, `h${++number}`));
  await push('1');
  await h.put({ url: `oci://${front.host}/app${number}`, timeout: '20s' });
  await h.reconcile();
});

/** Pushes `latest`, with enough noise that its layer comes in several pieces. */
async function push(text: string): Promise<void> {
  const folder = join(temp.dir, `content${number}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a.yaml'), text);
  writeFileSync(join(folder, 'noise'), Array.from({ length: 20_000 }, () => Math.random()).join('\n'));
  const { code } = await runCli([
    ...['push', 'artifact', `oci://127.0.0.1:${registry.port}/app${number}:latest`, '--path', folder],
    ...['--source', 's', '--revision', 'r'],
  ]);
  expect(code).toBe(0);
}

type Intercept = NonNullable<FrontServer['intercept']>;
const says =
  (status: number, body = '', headers = {}): Intercept =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
const only =
  (part: string, then: Intercept): Intercept =>
  (request, response) =>
    request.url?.includes(part) === true && then(request, response);
const error = (code: string) => JSON.stringify({ errors: [{ code, message: 'said the registry' }] });
const lie = Buffer.from('{"schemaVersion":2}');

const faults: {
  name: string;
  intercept?: Intercept;
  onData?: (sent: number, request: IncomingMessage, response: ServerResponse) => void;
  timeout?: string;
  reason: string;
  message: RegExp;
}[] = [
  {
    name: 'hangs',
    intercept: () => true,
    timeout: '1s',
    reason: 'OCIArtifactPullFailed',
    message: /^failed to pull artifact from 'oci:.*did not finish within 1000 ms/,
  },
  {
    name: 'answers 401',
    intercept: only('/manifests/', says(401, error('UNAUTHORIZED'))),
    reason: 'OCIArtifactPullFailed',
    message: /^failed to determine artifact digest: .*401/,
  },
  {
    name: 'answers 403',
    intercept: only('/manifests/', says(403, error('DENIED'))),
    reason: 'OCIArtifactPullFailed',
    message: /^failed to determine artifact digest: .*DENIED: said the registry \(403\)/,
  },
  {
    name: 'answers 404',
    intercept: only('/manifests/', says(404, error('NAME_UNKNOWN'))),
    reason: 'OCIArtifactPullFailed',
    message: /^failed to determine artifact digest: .*404/,
  },
  {
    name: 'asks for a long pause',
    intercept: only('/manifests/', says(429, error('TOOMANYREQUESTS'), { 'retry-after': '600' })),
    reason: 'OCIArtifactPullFailed',
    message: /^failed to determine artifact digest: .*429/,
  },
  {
    name: 'drops in the middle of a layer',
    onData(_sent, request, response) {
      if (request.url?.includes('/blobs/') === true) response.destroy();
    },
    reason: 'OCIArtifactLayerOperationFailed',
    message: /^failed to extract layer contents from artifact: /,
  },
  {
    name: 'gives other bytes than the digest says',
    intercept: only('/blobs/', says(200, 'x'.repeat(50))),
    reason: 'OCIArtifactLayerOperationFailed',
    message: /^failed to extract layer contents from artifact: /,
  },
  {
    name: 'gives another manifest than it named',
    intercept: (request, response) =>
      request.method === 'GET' &&
      request.url?.includes('/manifests/') === true &&
      says(200, `${lie}`)(request, response),
    reason: 'OCIArtifactPullFailed',
    message: /^failed to pull artifact from 'oci:.*the content is not what its digest says/,
  },
];
test.each(faults)(
  'a registry that $name: the condition says so, the artifact stays, the next run recovers',
  async ({ intercept, onData, timeout = '20s', reason, message }) => {
    const kept = h.artifact();
    await push('2');
    front.intercept = intercept;
    front.onData = onData;
    await h.edit({ timeout });
    expect(await h.reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(h.condition('FetchFailed')).toMatchObject({ reason, message: expect.stringMatching(message) });
    expect(h.condition('Ready')).toMatchObject({ status: 'False', reason });
    expect(h.condition('Reconciling')).toMatchObject({ reason: 'ProgressingWithRetry' });
    expect(h.artifact()).toEqual(kept);
    expect(existsSync(h.store.fileOf(kept))).toBe(true);
    const left = readdirSync(join(temp.dir, `h${number}`), { recursive: true }).map(String);
    expect(left.filter((name) => name.endsWith('.tmp') || name.includes('spool'))).toEqual([]);
    front.intercept = undefined;
    front.onData = undefined;
    await h.edit({ timeout: '20s' });
    expect(await h.reconcile()).toHaveProperty('requeueAfterMs');
    expect((await h.files())['a.yaml']).toBe('2');
    expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  },
);

test('a moment of 500 is overcome in the same run', async () => {
  await push('2');
  let left = 1;
  front.intercept = (request, response) =>
    request.url?.includes('/manifests/') === true && left-- > 0 && says(500)(request, response);
  expect(await h.reconcile()).toHaveProperty('requeueAfterMs');
  expect((await h.files())['a.yaml']).toBe('2');
});

test('a registry that does not answer HEAD is asked with GET', async () => {
  await push('2');
  front.intercept = (request, response) =>
    request.method === 'HEAD' && request.url?.includes('/manifests/') === true && says(405)(request, response);
  await h.reconcile();
  expect((await h.files())['a.yaml']).toBe('2');
});

test('a manifest list means linux/amd64', async () => {
  const url = `http://127.0.0.1:${registry.port}/v2/app${number}/manifests`;
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await fetch(`${url}/latest`, { headers: { accept: type } });
  const raw = Buffer.from(await manifest.arrayBuffer());
  const digest = `sha256:${createHash('sha256').update(raw).digest('hex')}`;
  const entry = { mediaType: type, digest, size: raw.length };
  const indexType = 'application/vnd.oci.image.index.v1+json';
  const put = (tag: string, architecture: string) => {
    const manifests = [{ ...entry, platform: { os: 'linux', architecture } }];
    const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
    return fetch(`${url}/${tag}`, { method: 'PUT', headers: { 'content-type': indexType }, body });
  };
  expect((await put('multi', 'amd64')).status).toBe(201);
  expect((await put('arm', 'arm64')).status).toBe(201);
  await h.edit({ ref: { tag: 'multi' } });
  await h.reconcile();
  expect(h.artifact().revision).toMatch(/^multi@sha256:/);
  expect(h.artifact().metadata).toMatchObject({ 'org.opencontainers.image.source': 's' });
  await h.edit({ ref: { tag: 'arm' } });
  await h.reconcile();
  expect(h.condition('FetchFailed')).toMatchObject({
    reason: 'OCIArtifactPullFailed',
    message: expect.stringMatching(/no entry for linux\/amd64/),
  });
});

test('certificate and proxy Secrets that are missing or malformed; a SOCKS5 proxy that is not', async () => {
  await h.edit({ certSecretRef: { name: 'ca' } });
  await h.reconcile();
  const start = `failed to generate transport for 'oci://${front.host}/app${number}': `;
  const failure = () => h.condition('FetchFailed') ?? { reason: '', message: '' };
  expect(failure()).toMatchObject({ reason: 'AuthenticationFailed' });
  expect(failure().message).toBe(`${start}failed to get secret '${h.cluster.namespace}/ca': secrets "ca" not found`);
  await h.edit({ certSecretRef: undefined, proxySecretRef: { name: 'proxy' } });
  await h.cluster.put(secretOf('proxy', { address: 'ftp://x' }));
  await h.reconcile();
  expect(failure().message).toMatch(/^failed to generate transport .*must be an http, https or socks5 URL/);
  const proxy = await startSocksProxy('joe:pw');
  await h.cluster.put(secretOf('proxy', { address: `socks5://${proxy.address}`, username: 'joe', password: 'pw' }));
  await push('2');
  await h.reconcile();
  expect((await h.files())['a.yaml']).toBe('2');
  expect(proxy.targets).toContain(front.host);
  await proxy.close();
});

test('a changed address of the server of artifacts reaches every URL, without a pull', async () => {
  const { artifact, url } = h.status() as { artifact: { url: string }; url: string };
  h.address.host = 'https://elsewhere:8080';
  front.intercept = only('/blobs/', says(500));
  await h.reconcile();
  const moved = (text: string) => text.replace('http://artifacts.local.', 'https://elsewhere:8080');
  expect(h.status()).toMatchObject({ artifact: { url: moved(artifact.url) }, url: moved(url) });
});
