import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasMoto, type Moto, startMoto } from '../../test/support/moto.ts';
import type { AwsIdentities } from './identities.ts';
import { createKmsDecrypter, type KmsDecrypter } from './kms.ts';
import { newSigner } from './signer.ts';

const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
const session = { credentials, identity: { provider: 'static', arn: 'arn:aws:iam::123456789012:user/x' } } as const;
const { signal } = new AbortController();

describe.skipIf(!hasMoto)('against moto (skipped where moto_server is not installed)', () => {
  let moto: Moto;
  let decrypt: KmsDecrypter;
  const asked: string[] = [];

  beforeAll(async () => {
    moto = await startMoto();
    const { endpoint } = moto;
    const identities: AwsIdentities = {
      controller: async (region) => {
        asked.push(`controller ${region}`);
        return session;
      },
      serviceAccount: async ({ namespace, name }, region) => {
        asked.push(`${namespace}/${name} ${region}`);
        return session;
      },
      drop: () => {},
    };
    decrypt = createKmsDecrypter(identities, { kms: endpoint, sts: endpoint });
  }, 40_000);
  afterAll(() => moto?.stop());

  async function call(action: string, body: object): Promise<Record<string, unknown>> {
    const url = new URL(moto.endpoint);
    const headers = {
      host: url.host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `TrentService.${action}`,
    };
    const text = JSON.stringify(body);
    const request = { method: 'POST', protocol: 'http:', hostname: url.hostname, port: Number(url.port), path: '/' };
    const signer = await newSigner(credentials, 'kms', 'eu-west-1');
    const signed = await signer.sign({ ...request, query: {}, headers, body: text });
    const answer = await fetch(url, { method: 'POST', headers: signed.headers, body: text });
    return (await answer.json()) as Record<string, unknown>;
  }

  async function newSecret(context: Record<string, string> = {}) {
    const { Arn: arn } = (await call('CreateKey', {}))['KeyMetadata'] as { Arn: string };
    const Plaintext = Buffer.from('data key').toString('base64');
    const { CiphertextBlob } = await call('Encrypt', { KeyId: arn, Plaintext, EncryptionContext: context });
    return { arn, ciphertext: Buffer.from(String(CiphertextBlob), 'base64'), context };
  }

  test('decrypts in the region of the key as the controller, as a ServiceAccount, with keys, over a role', async () => {
    const secret = await newSecret({ app: 'x' });
    const role = 'arn:aws:iam::123456789012:role/decrypter';
    const serviceAccount = { namespace: 'apps', name: 'decrypter' };
    for (const more of [{}, { serviceAccount }, { credentials }, { role }]) {
      expect((await decrypt({ ...secret, ...more }, signal)).toString()).toBe('data key');
    }
    expect(asked).toEqual(['controller eu-west-1', 'apps/decrypter eu-west-1', 'controller eu-west-1']);
  });

  test("shows AWS's own words, and none of the secret", async () => {
    const secret = await newSecret({ app: 'x' });
    await expect(decrypt({ ...secret, context: { app: 'other' } }, signal)).rejects.toMatchObject({
      code: 'AWS_REFUSED',
      message: expect.stringMatching(/^KMS Decrypt with arn:aws:kms:.*InvalidCiphertext/),
    });
    await expect(decrypt({ ...secret, arn: 'arn:aws:s3:::x' }, signal)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  test('a service that is away is unreachable', async () => {
    const away = createKmsDecrypter({ controller: async () => session } as unknown as AwsIdentities, {
      kms: 'http://127.0.0.1:1',
    });
    const secret = { arn: 'arn:aws:kms:eu-west-1:1:key/k', ciphertext: Buffer.from('x'), context: {} };
    await expect(away(secret, signal)).rejects.toMatchObject({ code: 'AWS_UNREACHABLE' });
  });
});
