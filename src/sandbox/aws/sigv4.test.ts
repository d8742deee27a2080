import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startTestCloud();
});
afterAll(() => cloud.close());

/** Node's hashes in the form that the signer wants. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

const form = 'Action=GetCallerIdentity&Version=2011-06-15';

async function sign(changes: { credentials?: object; service?: string; region?: string; at?: Date } = {}) {
  const { hostname, port, host } = new URL(cloud.aws.url);
  const signer = new SignatureV4({
    credentials: { ...cloud.aws.administrator, ...changes.credentials },
    service: changes.service ?? 'sts',
    region: changes.region ?? 'eu-west-1',
    sha256: Sha256 as never,
  });
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded' };
  const request = { method: 'POST', protocol: 'http:', hostname, port: Number(port), path: '/', headers, body: form };
  return signer.sign(request, { signingDate: changes.at ?? new Date() });
}

async function send(headers: Record<string, string>, body = form) {
  const answer = await fetch(cloud.aws.url, { method: 'POST', headers, body });
  const text = await answer.text();
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
  return { status: answer.status, code: field('Code'), message: field('Message'), arn: field('Arn') };
}

test('the SDK signature is taken', async () => {
  const { headers } = await sign();
  expect(await send(headers)).toMatchObject({ status: 200, arn: 'arn:aws:iam::000000000000:user/administrator' });
});

describe('refuses', () => {
  const mismatch = { status: 403, code: 'SignatureDoesNotMatch' };
  test('another body', async () => {
    const { headers } = await sign();
    expect(await send(headers, `${form}&DurationSeconds=1`)).toMatchObject({
      ...mismatch,
      message: expect.stringContaining('The request signature we calculated does not match'),
    });
  });

  test('another value of a signed header', async () => {
    const { headers } = await sign();
    expect(await send({ ...headers, 'content-type': 'text/plain' })).toMatchObject(mismatch);
  });

  test('a wrong secret', async () => {
    const { headers } = await sign({ credentials: { secretAccessKey: 'wrong' } });
    expect(await send(headers)).toMatchObject(mismatch);
  });

  test('an unknown key', async () => {
    const { headers } = await sign({ credentials: { accessKeyId: 'AKIAUNKNOWNUNKNOWN00' } });
    expect(await send(headers)).toMatchObject({
      status: 403,
      code: 'InvalidClientTokenId',
      message: 'The security token included in the request is invalid.',
    });
  });

  test('a session key with a made-up token', async () => {
    const { headers } = await sign({ credentials: { accessKeyId: 'ASIAUNKNOWNUNKNOWN00', sessionToken: 'x' } });
    expect(await send(headers)).toMatchObject({ code: 'InvalidClientTokenId' });
  });

  test('no signature', async () => {
    expect(await send({ 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 403,
      code: 'MissingAuthenticationToken',
    });
  });

  test('half a signature', async () => {
    const { headers } = await sign();
    const authorization = headers['authorization']?.replace(/, Signature=.*/, '') ?? '';
    expect(await send({ ...headers, authorization })).toMatchObject({ code: 'IncompleteSignature' });
  });

  test('the scope of another service', async () => {
    const { headers } = await sign({ service: 'ecr' });
    expect(await send(headers)).toMatchObject({
      ...mismatch,
      message: expect.stringContaining('Credential should be scoped to correct service: '),
    });
  });

  test('another region', async () => {
    const { headers } = await sign({ region: 'us-east-1' });
    expect(await send(headers)).toMatchObject(mismatch);
  });

  test.each([
    [-6, 'Signature expired: '],
    [6, 'Signature not yet current: '],
  ])('a clock that is %d minutes off', async (minutes, message) => {
    const { headers } = await sign({ at: new Date(Date.now() + minutes * 60_000) });
    expect(await send(headers)).toMatchObject({ ...mismatch, message: expect.stringContaining(message) });
  });
});

test('a clock that is four minutes off is forgiven', async () => {
  const { headers } = await sign({ at: new Date(Date.now() - 4 * 60_000) });
  expect(await send(headers)).toMatchObject({ status: 200 });
});

describe('a presigned call, as Kubernetes tokens of EKS carry', () => {
  async function presign(expiresIn: number, signingDate = new Date()) {
    const { hostname, port, host } = new URL(cloud.aws.url);
    const signer = new SignatureV4({
      credentials: cloud.aws.administrator,
      service: 'sts',
      region: 'eu-west-1',
      sha256: Sha256 as never,
    });
    const signed = await signer.presign(
      {
        method: 'GET',
        protocol: 'http:',
        hostname,
        port: Number(port),
        path: '/',
        query: Object.fromEntries(new URLSearchParams(form)),
        headers: { host, 'x-k8s-aws-id': 'sandbox' },
      },
      { expiresIn, signingDate, unhoistableHeaders: new Set(['x-k8s-aws-id']) },
    );
    return new URL(`/?${new URLSearchParams(signed.query as Record<string, string>)}`, cloud.aws.url);
  }
  const get = (url: URL, cluster = 'sandbox') => fetch(url, { headers: { 'x-k8s-aws-id': cluster } });

  test('is taken from whoever has it', async () => {
    expect((await get(await presign(60))).status).toBe(200);
  });

  test('is refused for another cluster, changed, or too late', async () => {
    expect((await get(await presign(60), 'other')).status).toBe(403);
    const changed = await presign(60);
    changed.searchParams.set('Extra', 'x');
    expect((await get(changed)).status).toBe(403);
    expect((await get(await presign(60, new Date(Date.now() - 61_000)))).status).toBe(403);
  });

  test('with a malformed escape is no crash', async () => {
    const url = `${await presign(60)}&Extra=%ZZ`;
    expect((await fetch(url, { headers: { 'x-k8s-aws-id': 'sandbox' } })).status).toBe(403);
  });
});
