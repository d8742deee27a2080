import { createHash } from 'node:crypto';
import {
  CreateRepositoryCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  SetRepositoryPolicyCommand,
} from '@aws-sdk/client-ecr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';
import { createImagePuller } from './pull-image.ts';
import { pushSmallImage } from './push-image.ts';

let cloud: TestCloud;
let ecr: ECRClient;
let authorization: string;
const signal = new AbortController().signal;

beforeEach(async () => {
  cloud = await startTestCloud();
  ecr = new ECRClient({ endpoint: cloud.aws.url, region: 'eu-west-1', credentials: cloud.aws.administrator });
  for (const repositoryName of ['apps/a', 'apps/b']) await ecr.send(new CreateRepositoryCommand({ repositoryName }));
  authorization = await login();
});
afterEach(() => cloud.close());

async function login() {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  return `Basic ${authorizationData?.[0]?.authorizationToken}`;
}

async function call(
  method: string,
  path: string,
  more: { headers?: Record<string, string>; body?: string | Buffer } = {},
) {
  const url = new URL(path, cloud.registry.url);
  const headers = { authorization, ...more.headers };
  const answer = await fetch(url, {
    method,
    headers,
    ...(more.body === undefined ? {} : { body: more.body }),
    redirect: 'manual',
  });
  const text = await answer.text();
  return { status: answer.status, text, headers: answer.headers, error: errorOf(text) };
}

function errorOf(text: string) {
  try {
    return JSON.parse(text).errors?.[0] as { code: string; message: string } | undefined;
  } catch {
    return undefined;
  }
}

const digestOf = (content: string | Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

async function push(repository: string, tag: string) {
  const password = Buffer.from(authorization.slice(6), 'base64').toString().slice(4);
  const target = { endpoint: cloud.registry.url, username: 'AWS', password };
  return pushSmallImage({ repository, tag, createdAt: 0 }, target, signal);
}

async function upload(repository: string, content: string) {
  const { headers } = await call('POST', `/v2/${repository}/blobs/uploads/`);
  return call('PUT', `${headers.get('location')}?digest=${digestOf(content)}`, { body: content });
}

describe('login', () => {
  test.each([
    ['none', {}],
    ['another user', { authorization: `Basic ${Buffer.from('bob:x').toString('base64')}` }],
    ['a made-up password', { authorization: `Basic ${Buffer.from('AWS:x').toString('base64')}` }],
    ['a bearer token', { authorization: 'Bearer x' }],
  ])('%s: 401 Not Authorized, with a challenge', async (_, headers) => {
    const answer = await fetch(`${cloud.registry.url}/v2/`, { headers: headers as Record<string, string> });
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe('Not Authorized\n');
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=".*",service="ecr\.amazonaws\.com"$/);
  });

  test('lasts twelve hours, and says when it is over', async () => {
    expect((await call('GET', '/v2/')).status).toBe(200);
    cloud.advance(12 * 3_600_000 + 1);
    expect(await call('GET', '/v2/')).toMatchObject({
      status: 403,
      error: { code: 'DENIED', message: 'Your authorization token has expired. Reauthenticate and try again.' },
    });
  });

  test('outlives a restart', async () => {
    await cloud.restart();
    expect((await call('GET', '/v2/')).status).toBe(200);
  });
});

describe('uploads', () => {
  const content = 'a layer';
  const blob = `/v2/apps/a/blobs/${digestOf(content)}`;

  test('in one request', async () => {
    const made = await call('POST', `/v2/apps/a/blobs/uploads/?digest=${digestOf(content)}`, { body: content });
    expect([made.status, made.headers.get('location')]).toEqual([201, blob]);
    expect((await call('GET', blob)).text).toBe(content);
  });

  test('in parts, over a restart', async () => {
    const { headers } = await call('POST', '/v2/apps/a/blobs/uploads/');
    const location = headers.get('location') ?? '';
    const part = { 'content-range': '0-2', 'content-type': 'application/octet-stream' };
    const first = await call('PATCH', location, { headers: part, body: content.slice(0, 3) });
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-2']);
    await cloud.restart();
    expect((await call('GET', location)).headers.get('range')).toBe('0-2');
    const wrong = await call('PATCH', location, { headers: { 'content-range': '9-11' }, body: 'xyz' });
    expect(wrong.status).toBe(416);
    expect(
      (await call('PATCH', location, { headers: { 'content-range': '3-6' }, body: content.slice(3) })).status,
    ).toBe(202);
    expect((await call('PUT', `${location}?digest=${digestOf(content)}`)).status).toBe(201);
    expect((await call('GET', blob)).text).toBe(content);
  });

  test('are refused when the content is another', async () => {
    const { headers } = await call('POST', '/v2/apps/a/blobs/uploads/');
    const answer = await call('PUT', `${headers.get('location')}?digest=${digestOf('other')}`, { body: content });
    expect(answer).toMatchObject({ status: 400, error: { code: 'DIGEST_INVALID' } });
    expect((await call('HEAD', blob)).status).toBe(404);
  });

  test('cannot be continued from another repository, nor after they were cancelled', async () => {
    const { headers } = await call('POST', '/v2/apps/a/blobs/uploads/');
    const location = headers.get('location') ?? '';
    const elsewhere = location.replace('apps/a', 'apps/b');
    expect(await call('PATCH', elsewhere, { body: 'x' })).toMatchObject({ error: { code: 'BLOB_UPLOAD_UNKNOWN' } });
    expect((await call('DELETE', location)).status).toBe(204);
    expect((await call('PATCH', location, { body: 'x' })).status).toBe(404);
  });

  test('a blob is found only in repositories it was pushed or mounted into', async () => {
    await upload('apps/a', content);
    const there = `/v2/apps/b/blobs/${digestOf(content)}`;
    expect((await call('HEAD', there)).status).toBe(404);
    const mount = (from: string, digest: string) =>
      call('POST', `/v2/apps/b/blobs/uploads/?mount=${digest}&from=${from}`);
    expect((await mount('apps/a', digestOf('other'))).status).toBe(202);
    expect((await mount('apps/nope', digestOf(content))).status).toBe(202);
    expect((await mount('apps/a', digestOf(content))).status).toBe(201);
    expect((await call('HEAD', there)).headers.get('content-length')).toBe(String(content.length));
  });

  test.each([
    ['bytes=2-4', 206, 'lay'],
    ['bytes=-3', 206, 'yer'],
    ['bytes=2-', 206, 'layer'],
    ['bytes=90-', 416, ''],
    ['lines=1', 200, content],
  ])('range %s: %d', async (range, status, text) => {
    await upload('apps/a', content);
    expect(await call('GET', blob, { headers: { range } })).toMatchObject({ status, text });
  });
});

describe('manifests', () => {
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const put = (tag: string, body: string, contentType = type) =>
    call('PUT', `/v2/apps/a/manifests/${tag}`, { headers: { 'content-type': contentType }, body });

  test('are served by tag and by digest, byte for byte', async () => {
    const digest = await push('apps/a', '1.0.0');
    const byTag = await call('GET', '/v2/apps/a/manifests/1.0.0');
    expect(byTag.headers.get('docker-content-digest')).toBe(digest);
    expect(byTag.headers.get('content-type')).toBe(type);
    expect(digestOf(byTag.text)).toBe(digest);
    const head = await call('HEAD', `/v2/apps/a/manifests/${digest}`);
    expect([head.status, head.text, Number(head.headers.get('content-length'))]).toEqual([200, '', byTag.text.length]);
  });

  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('x'), size: 1 };
  const manifest = (more: object) => JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [], ...more });

  test.each([
    ['not JSON', 'x', 400, 'MANIFEST_INVALID'],
    ['an old schema', manifest({ schemaVersion: 1 }), 400, 'MANIFEST_INVALID'],
    ['an unknown media type', manifest({ mediaType: 'text/plain' }), 400, 'MANIFEST_INVALID'],
    ['no config', manifest({ config: undefined }), 400, 'MANIFEST_INVALID'],
    ['a config that was not pushed', manifest({}), 404, 'MANIFEST_BLOB_UNKNOWN'],
  ])('%s is refused', async (_, body, status, code) => {
    expect(await put('1.0.0', body)).toMatchObject({ status, error: { code } });
  });

  test('a bad tag and a wrong digest are refused', async () => {
    await upload('apps/a', 'x');
    expect(await put('-x', manifest({}))).toMatchObject({ error: { code: 'TAG_INVALID' } });
    expect(await put(digestOf('other'), manifest({}))).toMatchObject({ error: { code: 'DIGEST_INVALID' } });
  });

  test('an index needs its manifests', async () => {
    const indexType = 'application/vnd.oci.image.index.v1+json';
    const digest = await push('apps/a', '1.0.0');
    const index = (of: string) =>
      JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [{ mediaType: type, digest: of, size: 1 }] });
    expect((await put('multi', index(digestOf('x')), indexType)).error?.code).toBe('MANIFEST_BLOB_UNKNOWN');
    expect((await put('multi', index(digest), indexType)).status).toBe(201);
  });

  test('a tag is deleted alone, a digest with its tags', async () => {
    const digest = await push('apps/a', '1.0.0');
    await put('1.0.1', (await call('GET', '/v2/apps/a/manifests/1.0.0')).text);
    expect((await call('DELETE', '/v2/apps/a/manifests/1.0.1')).status).toBe(202);
    expect((await call('GET', '/v2/apps/a/manifests/1.0.0')).status).toBe(200);
    expect((await call('DELETE', `/v2/apps/a/manifests/${digest}`)).status).toBe(202);
    expect(await call('GET', '/v2/apps/a/manifests/1.0.0')).toMatchObject({
      status: 404,
      error: { code: 'MANIFEST_UNKNOWN', message: 'Requested image not found' },
    });
  });

  test('a tag that may not move stays', async () => {
    await ecr.send(new CreateRepositoryCommand({ repositoryName: 'apps/fixed', imageTagMutability: 'IMMUTABLE' }));
    const digest = await push('apps/fixed', '1.0.0');
    expect(await push('apps/fixed', '1.0.0')).toBe(digest);
    const password = Buffer.from(authorization.slice(6), 'base64').toString().slice(4);
    const target = { endpoint: cloud.registry.url, username: 'AWS', password };
    await expect(
      pushSmallImage({ repository: 'apps/fixed', tag: '1.0.0', createdAt: 5000 }, target, signal),
    ).rejects.toThrow(/cannot be overwritten because the tag is immutable/);
  });

  test('what is about an image is found by referrers', async () => {
    const digest = await push('apps/a', '1.0.0');
    await upload('apps/a', 'x');
    const subject = { mediaType: type, digest, size: 1 };
    const made = await put(
      digestOf(manifest({ artifactType: 'a/sig', subject })),
      manifest({ artifactType: 'a/sig', subject }),
    );
    expect(made.headers.get('oci-subject')).toBe(digest);
    const found = JSON.parse((await call('GET', `/v2/apps/a/referrers/${digest}`)).text);
    expect(found.manifests).toMatchObject([{ artifactType: 'a/sig' }]);
    const filtered = await call('GET', `/v2/apps/a/referrers/${digest}?artifactType=b`);
    expect([JSON.parse(filtered.text).manifests, filtered.headers.get('oci-filters-applied')]).toEqual([
      [],
      'artifactType',
    ]);
  });
});

describe('tags', () => {
  test('come in pages, each linking to the next', async () => {
    for (const tag of ['b', 'a', 'C', 'a.1']) await push('apps/a', tag);
    const pages: string[][] = [];
    for (let path: string | undefined = '/v2/apps/a/tags/list?n=2'; path !== undefined; ) {
      const page = await call('GET', path);
      pages.push(JSON.parse(page.text).tags);
      path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(pages).toEqual([
      ['C', 'a'],
      ['a.1', 'b'],
    ]);
  });

  test('of an empty repository are an empty list', async () => {
    expect(JSON.parse((await call('GET', '/v2/apps/a/tags/list')).text)).toEqual({ name: 'apps/a', tags: [] });
  });

  test('a page size that is none is refused', async () => {
    expect(await call('GET', '/v2/apps/a/tags/list?n=x')).toMatchObject({ status: 400 });
  });

  test('are there after a restart', async () => {
    await push('apps/a', '1.0.0');
    await cloud.restart();
    expect(JSON.parse((await call('GET', '/v2/apps/a/tags/list')).text).tags).toEqual(['1.0.0']);
    expect((await call('GET', '/v2/apps/a/manifests/1.0.0')).status).toBe(200);
  });
});

test('a repository that does not exist is unknown', async () => {
  expect(await call('GET', '/v2/apps/nope/tags/list')).toMatchObject({
    status: 404,
    error: {
      code: 'NAME_UNKNOWN',
      message: "The repository with name 'apps/nope' does not exist in the registry with id '000000000000'",
    },
  });
});

test.each(['/v2/../../etc/passwd', '/v2/a/%2e%2e/manifests/x', '/v2/%ZZ/tags/list', '/v3/', '/v2/A/tags/list'])(
  '%s is no path of the API',
  async (path) => expect((await call('GET', path)).status).toBe(404),
);

test('an explicit deny in the repository policy wins, and says so', async () => {
  const statement = { Effect: 'Deny', Principal: '*', Action: 'ecr:ListImages' };
  const policyText = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await ecr.send(new SetRepositoryPolicyCommand({ repositoryName: 'apps/a', policyText }));
  expect((await call('GET', '/v2/apps/a/tags/list')).error?.message).toMatch(
    /with an explicit deny in a resource-based policy$/,
  );
});

describe('a node', () => {
  const image = (name: string) => `${cloud.host}/${name}`;
  const puller = () =>
    createImagePuller({ host: cloud.host, endpoint: cloud.registry.url, password: cloud.aws.nodeRegistryPassword });

  test('pulls what is there', async () => {
    const digest = await push('apps/a', '1.0.0');
    expect(await puller()(image('apps/a:1.0.0'), signal)).toEqual({ digest });
    expect(await puller()(image(`apps/a@${digest}`), signal)).toEqual({ digest });
  });

  test.each([
    ['a missing tag', 'apps/a:9.9.9', 'ErrImagePull', /code = NotFound .* not found$/],
    ['a missing repository', 'apps/nope:1', 'ErrImagePull', /not found$/],
  ])('says why it cannot pull %s', async (_, name, reason, message) => {
    await expect(puller()(image(name), signal)).rejects.toMatchObject({
      reason,
      message: expect.stringMatching(message),
    });
  });

  test('is refused by a repository policy', async () => {
    await push('apps/a', '1.0.0');
    const statement = { Effect: 'Deny', Principal: '*', Action: 'ecr:BatchGetImage' };
    const policyText = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await ecr.send(new SetRepositoryPolicyCommand({ repositoryName: 'apps/a', policyText }));
    await expect(puller()(image('apps/a:1.0.0'), signal)).rejects.toThrow(/403 Forbidden$/);
  });

  test('takes images of other registries as given, and no nonsense', async () => {
    expect(await puller()('nginx:1', signal)).toMatchObject({ digest: expect.stringMatching(/^sha256:/) });
    await expect(puller()('Not An Image', signal)).rejects.toMatchObject({ reason: 'InvalidImageName' });
  });
});
