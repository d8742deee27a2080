import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority, type TestAuthority } from '../../../test/support/certificates.ts';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { startHttpProxy } from '../../../test/support/proxies.ts';
import { createOciHarness } from '../../../test/support/source-harness.ts';
import { tarHeader } from '../source/tar-header.ts';

const temp = makeTempDir();
let authority: TestAuthority;
let server: Server;
let layer: Buffer;

/** A registry of one artifact with a login of its own. */
beforeAll(async () => {
  authority = await createAuthority();
  server = createServer({ ...(await authority.issue()) }, (request, response) => {
    if (request.headers.authorization !== `Basic ${Buffer.from('u:p').toString('base64')}`) {
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    }
    const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
    if (request.url?.includes('/blobs/')) return void response.end(layer);
    const layers = [{ mediaType: 'application/x', digest, size: layer.length }];
    const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', layers };
    response.end(request.url === '/v2/' ? '{}' : JSON.stringify(manifest));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server?.close();
  server?.closeAllConnections();
  temp.remove();
});

function archive(entries: [name: string, data: Buffer, type?: string][]): Buffer {
  const blocks = entries.flatMap(([path, data, type]) => {
    const header = tarHeader({ path: 'x', kind: 'file', size: data.length });
    header.fill(0, 0, 100).write(path, 0);
    if (type !== undefined) header.write(type, 156);
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

let number = 0;
async function run(spec: Record<string, unknown>, secrets: Record<string, Record<string, string>> = {}, more = {}) {
  const h = await createOciHarness(join(temp.dir, `h${++number}`), more);
  const config = JSON.stringify({ auths: { [`127.0.0.1:${port()}`]: { username: 'u', password: 'p' } } });
  await h.cluster.put(secretOf('login', { '.dockerconfigjson': config }, 'kubernetes.io/dockerconfigjson'));
  for (const [name, data] of Object.entries(secrets)) await h.cluster.put(secretOf(name, data));
  await h.put({ url: `oci://127.0.0.1:${port()}/app`, timeout: '10s', secretRef: { name: 'login' }, ...spec });
  await h.reconcile();
  return h.condition('Ready');
}
const port = () => (server.address() as AddressInfo).port;
const good = () => archive([['a.yaml', Buffer.from('a: 1\n')]]);

test('a private authority, with a pull secret', async () => {
  layer = good();
  const ca = { certSecretRef: { name: 'ca' } };
  expect(await run(ca, { ca: { 'ca.crt': authority.ca } })).toMatchObject({ status: 'True' });
  expect(await run({})).toMatchObject({ status: 'False', reason: 'OCIArtifactPullFailed' });
  expect(await run({ insecure: true })).toMatchObject({ status: 'True' });
  expect(await run({ ...ca, secretRef: undefined }, { ca: { 'ca.crt': authority.ca } })).toMatchObject({
    status: 'False',
    message: expect.stringMatching(/^failed to determine artifact digest: .*401/),
  });
});

test('through a proxy', async () => {
  layer = good();
  const proxy = await startHttpProxy('joe:pw');
  const secrets = {
    ca: { 'ca.crt': authority.ca },
    proxy: { address: `http://${proxy.address}`, username: 'joe', password: 'pw' },
  };
  const spec = { certSecretRef: { name: 'ca' }, proxySecretRef: { name: 'proxy' } };
  expect(await run(spec, secrets)).toMatchObject({ status: 'True' });
  expect(proxy.targets).toContain(`127.0.0.1:${port()}`);
  await proxy.close();
});

const x = Buffer.from('x');
test.each([
  ['names with ..', () => archive([['../../evil', x]]), /forbidden name/],
  ['absolute names', () => archive([['/etc/evil', x]]), /forbidden name/],
  ['a cut archive', () => good().subarray(0, 60), /the archive is damaged/],
  ['no archive', () => Buffer.from('hello'), /the archive is damaged/],
])('a layer with %s is refused', async (_, make, message) => {
  layer = make();
  expect(await run({ insecure: true })).toMatchObject({
    status: 'False',
    reason: 'OCIArtifactLayerOperationFailed',
    message: expect.stringMatching(message),
  });
});

test('links and devices are passed over; a bomb is told as what it is', async () => {
  const none = Buffer.alloc(0);
  layer = archive([
    ['link', none, '2'],
    ['device', none, '3'],
    ['a.yaml', x],
  ]);
  expect(await run({ insecure: true })).toMatchObject({ status: 'True' });
  layer = archive([['bomb', Buffer.alloc(3_000_000)]]);
  expect(layer.length).toBeLessThan(10_000);
  expect(await run({ insecure: true }, {}, { maxArchiveBytes: 1_000_000 })).toMatchObject({
    status: 'False',
    message: expect.stringMatching(/larger than 1000000 bytes|more than 1000000 bytes/),
  });
});
