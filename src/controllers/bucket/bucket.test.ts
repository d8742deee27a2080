import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../test/support/certificates.ts';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { hasMoto, type Moto, startMoto } from '../../../test/support/moto.ts';
import { startHttpProxy } from '../../../test/support/proxies.ts';
import { createBucketHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import { createAwsIdentities } from '../../aws/identities.ts';
import { newSigner } from '../../aws/signer.ts';

const temp = makeTempDir();
let h: SourceHarness;
let number = 0;

afterAll(() => temp.remove());
beforeEach(async () => {
  h = await createBucketHarness(join(temp.dir, `h${++number}`));
});

// Its check knows no names that must be escaped: even the aws command line is refused with them.
describe.skipIf(!hasMoto)('with moto, which checks signatures', () => {
  let moto: Moto;
  let keys = { accessKeyId: 'x', secretAccessKey: 'x' };
  const bucket = () => `bucket-${number}`;

  /** A request as another client of S3 or IAM would sign it. */
  const send = async (service: string, method: string, path: string, body = ''): Promise<string> => {
    const { host, hostname, port } = new URL(moto.endpoint);
    const signer = await newSigner(keys, service, 'us-east-1');
    const given: Record<string, string> = { host };
    if (service === 'iam') given['content-type'] = 'application/x-www-form-urlencoded';
    const target = { method, protocol: 'http:', hostname, port: Number(port), path };
    const { headers } = await signer.sign({ ...target, headers: given, body });
    const response = await fetch(`${moto.endpoint}${path}`, { method, headers, ...(body === '' ? {} : { body }) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.text();
  };
  const putObject = (key: string, text: string) => send('s3', 'PUT', `/${bucket()}/${key}`, text);
  const iam = (action: string, more: Record<string, string>) =>
    send('iam', 'POST', '/', new URLSearchParams({ Action: action, Version: '2010-05-08', ...more }).toString());

  beforeAll(async () => {
    // Three requests make the user that all others are signed by.
    moto = await startMoto({ INITIAL_NO_AUTH_ACTION_COUNT: '3' });
    await iam('CreateUser', { UserName: 'u' });
    const statement = { Effect: 'Allow', Action: '*', Resource: '*' };
    const document = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await iam('PutUserPolicy', { UserName: 'u', PolicyName: 'p', PolicyDocument: document });
    const made = await iam('CreateAccessKey', { UserName: 'u' });
    const [, accessKeyId = ''] = /<AccessKeyId>(.*?)</.exec(made) ?? [];
    const [, secretAccessKey = ''] = /<SecretAccessKey>(.*?)</.exec(made) ?? [];
    keys = { accessKeyId, secretAccessKey };
  }, 120_000);
  afterAll(() => moto?.stop());
  beforeEach(async () => {
    await send('s3', 'PUT', `/${bucket()}`);
    await h.cluster.put(secretOf('keys', { accesskey: keys.accessKeyId, secretkey: keys.secretAccessKey }));
  });
  const put = (spec: Record<string, unknown> = {}) => {
    const endpoint = new URL(moto.endpoint).host;
    return h.put({ endpoint, insecure: true, bucketName: bucket(), secretRef: { name: 'keys' }, ...spec });
  };

  test('stores the objects, and again only what changed', async () => {
    await putObject('deploy/app.yaml', 'a: 1\n');
    await putObject('other/b.yaml', 'b: 1\n');
    await putObject('logo.png', 'p');
    await put();
    expect(await h.reconcile()).toHaveProperty('requeueAfterMs');
    const { revision, digest } = h.artifact();
    expect(h.condition('Ready')).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
      message: `stored artifact: revision '${revision}'`,
    });
    expect(revision).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await h.files()).toEqual({
      'deploy/app.yaml': 'a: 1\n',
      'logo.png': 'p',
      'other/b.yaml': 'b: 1\n',
    });
    const place = `bucket/${h.cluster.namespace}/fleet`;
    expect(h.artifact().path).toBe(`${place}/${revision.slice(7)}.tar.gz`);
    expect(h.status()['url']).toBe(`http://artifacts.local./${place}/latest.tar.gz`);
    expect(h.cluster.recorded).toEqual([
      `Normal NewArtifact: stored artifact with 3 fetched files from '${bucket()}' bucket`,
    ]);
    h.cluster.patches.length = 0;
    await h.reconcile();
    expect(h.cluster.patches).toEqual([]);
    expect(h.cluster.recorded.at(-1)).toBe(
      `Trace ArtifactUpToDate: artifact up-to-date with remote revision: '${revision}'`,
    );
    await putObject('deploy/app.yaml', 'a: 2\n');
    await h.reconcile();
    expect(h.artifact().revision).not.toBe(revision);
    expect(h.artifact().digest).not.toBe(digest);
    expect((await h.files())['deploy/app.yaml']).toBe('a: 2\n');
  });

  test('.sourceignore of the root and spec.ignore exclude, nothing else does', async () => {
    await putObject('.sourceignore', '*.md\n');
    await putObject('deep/.sourceignore', '*.yaml\n');
    await putObject('.github/x.yml', 'x');
    await putObject('deep/a.yaml', 'a');
    await putObject('readme.md', 'r');
    await put({ ignore: '/skip' });
    await putObject('skip/b.yaml', 'b');
    await h.reconcile();
    expect(Object.keys(await h.files())).toEqual([
      '.github/x.yml',
      '.sourceignore',
      'deep/.sourceignore',
      'deep/a.yaml',
    ]);
    expect(h.status()['observedIgnore']).toBe('/skip');
    await h.edit({ prefix: 'deep', ignore: undefined });
    await h.reconcile();
    expect(h.condition('Ready')).toMatchObject({ status: 'True' });
    expect(Object.keys(await h.files())).toEqual(['.sourceignore', 'deep/.sourceignore', 'deep/a.yaml']);
    expect(h.status()).not.toHaveProperty('observedIgnore');
  });

  test('many objects: all pages of the listing', async () => {
    for (let i = 0; i < 1005; i += 15) {
      await Promise.all(Array.from({ length: 15 }, (_, n) => putObject(`f/${i + n}`, `${i + n}`)));
    }
    await put();
    await h.reconcile();
    expect(Object.keys(await h.files())).toHaveLength(1005);
  }, 120_000);

  test('a wrong key, a missing bucket, a Secret without keys, none at all', async () => {
    await put();
    await h.cluster.put(secretOf('keys', { accesskey: keys.accessKeyId, secretkey: 'wrong' }));
    expect(await h.reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(h.condition('Ready')).toMatchObject({
      status: 'False',
      reason: 'BucketOperationFailed',
      message: expect.stringMatching(/^failed to confirm existence of 'bucket-\d+' bucket: .*403/),
    });
    await h.cluster.put(secretOf('keys', { accesskey: keys.accessKeyId, secretkey: keys.secretAccessKey }));
    await h.edit({ bucketName: 'no-such-bucket' });
    await h.reconcile();
    expect(h.condition('FetchFailed')).toMatchObject({
      reason: 'BucketOperationFailed',
      message: "bucket 'no-such-bucket' not found",
    });
    await h.cluster.put(secretOf('keys', { accesskey: 'a' }));
    await h.reconcile();
    expect(h.condition('FetchFailed')).toMatchObject({
      reason: 'AuthenticationFailed',
      message: "invalid 'keys' secret data: required fields 'accesskey' and 'secretkey'",
    });
    await h.edit({ secretRef: { name: 'nope' } });
    await h.reconcile();
    expect(h.condition('FetchFailed')).toMatchObject({
      reason: 'AuthenticationFailed',
      message: expect.stringMatching(/^failed to get secret 'team-\d+\/nope': secrets "nope" not found$/),
    });
  });

  test('by web identity', async () => {
    await putObject('a.yaml', 'a');
    // From here on nothing is checked: moto would refuse the exchange of a token, which is not signed.
    await fetch(`${moto.endpoint}/moto-api/reset-auth`, { method: 'POST', body: '1000000' });
    const tokenFile = join(temp.dir, 'token');
    const payload = Buffer.from('{"sub":"system:serviceaccount:a:b"}').toString('base64url');
    writeFileSync(tokenFile, `e30.${payload}.x`);
    const webIdentity = { roleArn: 'arn:aws:iam::123456789012:role/source', tokenFile };
    const identities = createAwsIdentities({ environment: { endpoints: { sts: moto.endpoint }, webIdentity } });
    h = await createBucketHarness(join(temp.dir, `identity${number}`), {
      identities: {
        credentials: async ({ region }, signal) => (await identities.controller(region, signal)).credentials,
      },
    });
    await put({ provider: 'aws', secretRef: undefined });
    await h.reconcile();
    expect(h.condition('Ready')).toMatchObject({ status: 'True' });
    expect(await h.files()).toEqual({ 'a.yaml': 'a' });
  });
});

test.each([
  [{ provider: 'gcp' }, 'InvalidProviderConfiguration', /HMAC/],
  [{ provider: 'azure' }, 'InvalidProviderConfiguration', /not supported/],
  [
    { provider: 'aws', sts: { provider: 'aws', endpoint: 'https://sts.example.com' } },
    'InvalidSTSConfiguration',
    /is not one of AWS/,
  ],
  [{ provider: 'aws', serviceAccountName: 'x' }, 'FeatureGateDisabled', /^to use spec.serviceAccountName for/],
  [{ endpoint: 'host/path' }, 'URLInvalid', /is not a host of an object store/],
])('%j stalls', async (spec, reason, message) => {
  await h.put({ endpoint: '127.0.0.1:9', bucketName: 'b', ...spec });
  expect(await h.reconcile()).toEqual({});
  expect(h.condition('Stalled')).toMatchObject({ reason, message: expect.stringMatching(message) });
});

test('no AWS identity', async () => {
  await h.put({ endpoint: '127.0.0.1:9', bucketName: 'b', provider: 'aws' });
  await h.reconcile();
  expect(h.condition('FetchFailed')).toMatchObject({
    reason: 'AuthenticationFailed',
    message: 'failed to get credential from aws: no AWS identity',
  });
});

/** A store of a few objects that does what a test wants. */
async function startStore(
  objects: Record<string, string>,
  answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
  tls?: { cert: string; key: string },
) {
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`);
    authorizations.push(request.headers.authorization);
    if (answer(request, response)) return;
    const url = new URL(request.url ?? '', 'http://x');
    const key = decodeURIComponent(url.pathname.slice('/b/'.length));
    if (request.method === 'HEAD') return void response.end();
    if (key === '') {
      const entries = Object.entries(objects).map(
        ([name, text]) =>
          `<Contents><Key>${name.replaceAll('&', '&amp;')}</Key><ETag>&quot;${Buffer.from(text).toString('hex')}&quot;</ETag><Size>${text.length}</Size></Contents>`,
      );
      return void response.end(`<ListBucketResult>${entries.join('')}</ListBucketResult>`);
    }
    const text = objects[key];
    if (text === undefined) return void response.writeHead(404).end();
    response.end(text);
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    authorizations,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const says =
  (status: number, body = '', headers = {}) =>
  (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
const isObject = ({ url = '' }: IncomingMessage) => url.endsWith('/a.yaml');

test.each([
  {
    name: 'a refusal',
    answer: says(403, '<Error><Code>AccessDenied</Code><Message>no &amp; never</Message></Error>'),
    message: /failed to confirm existence of 'b' bucket: .*403/,
  },
  {
    name: 'half a listing',
    answer: (request: IncomingMessage, response: ServerResponse) => {
      if (request.url?.includes('list-type') !== true) return false;
      response.end('<ListBucketResult><Contents><Key>a</Key>');
      return true;
    },
    message: /indexation of objects from bucket 'b' failed: the answer is no listing/,
  },
  {
    name: 'a cut listing without a next page',
    answer: (request: IncomingMessage, response: ServerResponse) => {
      if (request.url?.includes('list-type') !== true) return false;
      response.end('<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>');
      return true;
    },
    message: /names no next page/,
  },
  {
    name: 'an object that ends early',
    answer: (request: IncomingMessage, response: ServerResponse) => {
      if (!isObject(request)) return false;
      response.writeHead(200, { 'content-length': 9 });
      response.write('abc');
      setTimeout(() => response.destroy(), 20);
      return true;
    },
    message: /fetch from bucket 'b' failed: failed to get 'a.yaml' object: /,
  },
  {
    name: 'an object that is longer',
    answer: (request: IncomingMessage, response: ServerResponse) =>
      isObject(request) && says(200, 'abcdefghijk')(request, response),
    message: /is not as long as the listing said/,
  },
  {
    name: 'an object that changed',
    answer: (request: IncomingMessage, response: ServerResponse) => isObject(request) && says(412)(request, response),
    message: /the object 'a.yaml' changed while the bucket was read/,
  },
])('$name is told; the artifact stays and recovery needs no help', async ({ answer, message }) => {
  let isFaulty = false;
  const store = await startStore({ 'a.yaml': 'a: 1\n' }, (request, response) => isFaulty && answer(request, response));
  await h.put({ endpoint: store.endpoint, insecure: true, bucketName: 'b' });
  await h.reconcile();
  const kept = h.artifact();
  store.objects['a.yaml'] = 'a: 2222\n';
  isFaulty = true;
  expect(await h.reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
  expect(h.condition('FetchFailed')).toMatchObject({
    reason: 'BucketOperationFailed',
    message: expect.stringMatching(message),
  });
  expect(h.artifact()).toEqual(kept);
  isFaulty = false;
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(await h.files()).toEqual({ 'a.yaml': 'a: 2222\n' });
  store.close();
});

test('a store that hangs is given up at the deadline; one that is busy for a moment is asked again', async () => {
  let isHanging = true;
  let busy = 2;
  const store = await startStore({ 'a.yaml': 'a: 1\n' }, (request, response) => {
    if (isHanging) return true;
    return busy-- > 0 && says(503, '<Error><Code>SlowDown</Code></Error>')(request, response);
  });
  await h.put({ endpoint: store.endpoint, insecure: true, bucketName: 'b', timeout: '500ms' });
  await h.reconcile();
  expect(h.condition('FetchFailed')?.message).toMatch(/the reading of bucket 'b' did not finish within 500 ms/);
  isHanging = false;
  await h.edit({ timeout: '30s' });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  store.close();
});

test('what is gone when its turn comes is left out, of the revision too', async () => {
  const store = await startStore({ 'a.yaml': 'a', 'b.yaml': 'b' }, (request, response) =>
    request.method === 'GET' && (request.url ?? '').endsWith('/b.yaml') ? says(404)(request, response) : false,
  );
  await h.put({ endpoint: store.endpoint, insecure: true, bucketName: 'b' });
  await h.reconcile();
  expect(await h.files()).toEqual({ 'a.yaml': 'a' });
  delete store.objects['b.yaml'];
  const { revision } = h.artifact();
  await h.reconcile();
  expect(h.artifact().revision).toBe(revision);
  store.close();
});

test.each(['../evil', 'a/../../evil', 'a/./b', 'a\\b'])('the key %s is refused', async (key) => {
  const store = await startStore({ [key]: 'x' });
  await h.put({ endpoint: store.endpoint, insecure: true, bucketName: 'b' });
  await h.reconcile();
  expect(h.condition('FetchFailed')?.message).toMatch(/would leave the artifact's folder/);
  store.close();
});

/** Signature Version 4 for S3 over a request as it arrived, from AWS's description alone. */
function signatureOf({ method, url = '', headers }: IncomingMessage, secret: string): string {
  const [path = '', query = ''] = url.split('?');
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ?? [];
  const signed = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const hash = String(headers['x-amz-content-sha256']);
  const canonical = [method, path, query.split('&').sort().join('&'), signed.join(''), names, hash].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secret}`);
  return hmac(key, ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, digest].join('\n')).toString('hex');
}

test('names that must be escaped are asked for and signed as they should be', async () => {
  const key = "odd/ä b+c&d'e(1)*!@=.yaml";
  const store = await startStore({ [key]: 'x' }, (request, response) => {
    const isRight = request.headers.authorization?.endsWith(`Signature=${signatureOf(request, 's3cret')}`) === true;
    return !isRight && says(403)(request, response);
  });
  await h.cluster.put(secretOf('keys', { accesskey: 'A', secretkey: 's3cret' }));
  const spec = { endpoint: store.endpoint, insecure: true, bucketName: 'b', prefix: "odd/ä b+c&d'" };
  await h.put({ ...spec, secretRef: { name: 'keys' } });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(await h.files()).toEqual({ [key]: 'x' });
  expect(store.requests.some((line) => line.includes('prefix=odd%2F%C3%A4%20b%2Bc%26d%27'))).toBe(true);
  store.close();
});

test('another region is found by itself', async () => {
  const store = await startStore({ 'a.yaml': 'a' }, (request, response) =>
    request.headers.authorization?.includes('/eu-west-3/') === true
      ? false
      : says(400, '', { 'x-amz-bucket-region': 'eu-west-3' })(request, response),
  );
  await h.cluster.put(secretOf('keys', { accesskey: 'A', secretkey: 's' }));
  await h.put({ endpoint: store.endpoint, insecure: true, bucketName: 'b', secretRef: { name: 'keys' } });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  store.close();
});

test('a private authority, and a proxy', async () => {
  const authority = await createAuthority();
  const store = await startStore({ 'a.yaml': 'a' }, undefined, await authority.issue());
  const proxy = await startHttpProxy('joe:pw');
  await h.put({ endpoint: store.endpoint, bucketName: 'b', certSecretRef: { name: 'ca' } });
  await h.reconcile();
  expect(h.condition('FetchFailed')).toMatchObject({
    reason: 'AuthenticationFailed',
    message: expect.stringMatching(/^failed to get secret '.*\/ca'/),
  });
  await h.cluster.put(secretOf('ca', { 'ca.crt': authority.ca }));
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  store.objects['a.yaml'] = 'b';
  await h.cluster.put(secretOf('proxy', { address: `http://${proxy.address}`, username: 'joe', password: 'pw' }));
  await h.edit({ proxySecretRef: { name: 'proxy' } });
  await h.reconcile();
  expect(await h.files()).toEqual({ 'a.yaml': 'b' });
  expect(proxy.targets).toContain(store.endpoint);
  await proxy.close();
  store.close();
});

test('keys of an LDAP user, by the STS of the store', async () => {
  const store = await startStore({ 'a.yaml': 'a' }, (request, response) => {
    if (request.method !== 'POST') return false;
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    if (searchParams.get('LDAPPassword') !== 'pw') {
      return says(403, '<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>')(
        request,
        response,
      );
    }
    const made = '<AccessKeyId>LDAPKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>';
    return says(200, `<R><Credentials>${made}</Credentials></R>`)(request, response);
  });
  const sts = { provider: 'ldap', endpoint: `http://${store.endpoint}`, secretRef: { name: 'ldap' } };
  await h.put({ endpoint: store.endpoint, insecure: true, bucketName: 'b', sts });
  await h.cluster.put(secretOf('ldap', { username: 'u', password: 'wrong' }));
  await h.reconcile();
  expect(h.condition('FetchFailed')).toMatchObject({
    reason: 'AuthenticationFailed',
    message: expect.stringMatching(/AccessDenied: no/),
  });
  expect(JSON.stringify(h.status())).not.toContain('wrong');
  await h.cluster.put(secretOf('ldap', { username: 'u', password: 'pw' }));
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(store.authorizations.at(-1)).toContain('Credential=LDAPKEY/');
  store.close();
});
