import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAuthority, type KeyedCertificate, type TestAuthority } from '../../../test/support/certificates.ts';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { type ImageStage, startImageStage } from '../../../test/support/image-stage.ts';
import { startHttpProxy, startSocksProxy } from '../../../test/support/proxies.ts';

let stage: ImageStage;
let authority: TestAuthority;
let own: KeyedCertificate;
let secure: Server;
beforeAll(async () => {
  stage = await startImageStage();
  authority = await createAuthority();
  own = await authority.issue();
  // A registry that wants to know its clients by their certificates.
  const tls = { ...own, ca: authority.ca, requestCert: true, rejectUnauthorized: false };
  secure = createServer(tls, (request, response) => {
    if (!(request.socket as TLSSocket).authorized) return void response.writeHead(403).end();
    response.end(request.url === '/v2/' ? '{}' : '{"name":"app","tags":["1.0.0"]}');
  });
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  secure?.close();
  secure?.closeAllConnections();
  await stage?.close();
});
beforeEach(() => stage.reset());

const scan = async (spec: Record<string, unknown>) => {
  await stage.cluster.edit('ImageRepository', 'mainapp', spec);
  await stage.reconcile('ImageRepository');
  return stage.ready('ImageRepository');
};
const secureImage = () => `127.0.0.1:${(secure.address() as AddressInfo).port}/app`;
const auths = (password = 's3cret') => ({ [stage.registry.host]: { username: 'bob', password } });
const dockerConfigJson = 'kubernetes.io/dockerconfigjson';
const found = { status: 'True', message: expect.stringMatching(/^successful scan: found 2 tags/) };

test.each([
  ['dockerconfigjson', dockerConfigJson, '.dockerconfigjson', () => ({ auths: auths() })],
  ['dockercfg', 'kubernetes.io/dockercfg', '.dockercfg', () => auths()],
])('a pull secret of type %s', async (_, type, key, content) => {
  stage.registry.credential = 'bob:s3cret';
  await stage.cluster.put(secretOf('pull', { [key]: JSON.stringify(content()) }, type));
  expect(await scan({ secretRef: { name: 'pull' } })).toMatchObject(found);
});

test('a secret of another type counts as none', async () => {
  stage.registry.credential = 'bob:s3cret';
  await stage.cluster.put(secretOf('pull', { '.dockerconfigjson': JSON.stringify({ auths: auths() }) }));
  expect(await scan({ secretRef: { name: 'pull' } })).toMatchObject({ status: 'False', reason: 'ReadOperationFailed' });
});

test('the pull secrets of a ServiceAccount come after secretRef, and what is missing is named', async () => {
  stage.registry.credential = 'bob:s3cret';
  const serviceAccountName = 'puller';
  const failed = (what: string) => ({
    status: 'False',
    reason: 'AuthenticationFailed',
    message: `failed to configure authentication options: ${what}`,
  });
  expect(await scan({ serviceAccountName })).toEqual(failed("serviceaccount 'flux-system/puller' not found"));
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'puller' } };
  await stage.cluster.put({ ...account, imagePullSecrets: [{ name: 'of-account' }] });
  expect(await scan({})).toEqual(
    failed(
      "failed to get image pull secret for serviceaccount 'flux-system/puller': secret 'flux-system/of-account' not found",
    ),
  );
  const config = (password: string) => ({ '.dockerconfigjson': JSON.stringify({ auths: auths(password) }) });
  await stage.cluster.put(secretOf('of-account', config('s3cret'), dockerConfigJson));
  expect(await scan({})).toMatchObject(found);
  await stage.cluster.put(secretOf('first', config('wrong'), dockerConfigJson));
  expect(await scan({ secretRef: { name: 'first' }, exclusionList: ['x'] })).toMatchObject({
    status: 'False',
    reason: 'ReadOperationFailed',
  });
});

test('a private authority and a client certificate, under the usual keys and the old ones', async () => {
  const image = secureImage();
  const { cert, key } = own;
  expect(await scan({ image })).toMatchObject({ reason: 'ReadOperationFailed' });
  await stage.cluster.put(secretOf('tls', { 'ca.crt': authority.ca, 'tls.crt': cert, 'tls.key': key }));
  const certSecretRef = { name: 'tls' };
  const one = { status: 'True', message: expect.stringMatching(/found 1 tags/) };
  expect(await scan({ certSecretRef })).toMatchObject(one);
  await stage.cluster.put(secretOf('tls', { caFile: authority.ca, certFile: cert, keyFile: key }));
  expect(await scan({ exclusionList: ['x'] })).toMatchObject(one);
  await stage.cluster.put(secretOf('tls', { 'ca.crt': authority.ca, 'tls.crt': cert }));
  expect(await scan({})).toMatchObject({
    reason: 'AuthenticationFailed',
    message: expect.stringContaining("must contain both 'tls.crt' and 'tls.key' or neither"),
  });
  await stage.cluster.put(secretOf('tls', { other: 'x' }));
  expect(await scan({})).toMatchObject({ reason: 'AuthenticationFailed' });
});

test.each([
  ['http', () => startHttpProxy('joe:pw')],
  ['socks5', () => startSocksProxy('joe:pw')],
])('through a proxy: %s', async (scheme, start) => {
  const proxy = await start();
  const data = { address: `${scheme}://ignored:x@${proxy.address}`, username: 'joe', password: 'pw' };
  await stage.cluster.put(secretOf('proxy', data));
  expect(await scan({ proxySecretRef: { name: 'proxy' } })).toMatchObject(found);
  expect(proxy.targets).toContain(stage.registry.host);
  await stage.cluster.put(secretOf('proxy', { address: `ftp://${proxy.address}` }));
  expect(await scan({})).toMatchObject({
    reason: 'AuthenticationFailed',
    message: expect.stringContaining("'address' must be an http, https or socks5 URL"),
  });
  await proxy.close();
});

test('one Secret may hold the login and the certificates', async () => {
  const { cert, key } = own;
  const data = { 'ca.crt': authority.ca, 'tls.crt': cert, 'tls.key': key, '.dockerconfigjson': '{"auths":{}}' };
  await stage.cluster.put(secretOf('both', data, dockerConfigJson));
  const ref = { name: 'both' };
  expect(await scan({ image: secureImage(), secretRef: ref, certSecretRef: ref })).toMatchObject({ status: 'True' });
});
