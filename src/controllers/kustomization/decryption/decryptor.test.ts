import { randomBytes } from 'node:crypto';
import { dump, load } from 'js-yaml';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { encryptValue, newAgeKey } from '../../../../test/support/sops.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { memoryFileSystem } from '../../../kustomize/file-system.ts';
import { createDecryptor, refuseEncrypted } from './decryptor.ts';
import { decryptedFiles } from './encrypted-files.ts';
import { readKeyMaterial } from './key-material.ts';
import { createKeyRing, type KmsDecryptRequest } from './key-ring.ts';

const dataKey = randomBytes(32);
const mac = 'ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]';
const { signal } = new AbortController();
let ageKey: Awaited<ReturnType<typeof newAgeKey>>;
let sops: Record<string, unknown>;

beforeAll(async () => {
  ageKey = await newAgeKey();
  sops = { age: [await ageKey.wrap(dataKey)], mac, lastmodified: '2026-01-01T00:00:00Z', version: '3.11.0' };
});

function decryptorWith(keys: Record<string, string>) {
  const data = Object.fromEntries(Object.entries(keys).map(([name, text]) => [name, Buffer.from(text)]));
  return createDecryptor(createKeyRing(readKeyMaterial(data)), signal);
}

const withAge = () => decryptorWith({ 'id.agekey': `# public key: …\n${ageKey.identity}\n` });

function secret(data: Record<string, unknown>, block: unknown = sops): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'apps' },
    stringData: data,
    sops: block,
  };
}

describe('objects', () => {
  test('decrypts each type of value and drops the block', async () => {
    const sealed = secret({
      text: encryptValue('wörld', dataKey, ['stringData', 'text']),
      number: encryptValue(42, dataKey, ['stringData', 'number']),
      flag: encryptValue(true, dataKey, ['stringData', 'flag']),
      list: [encryptValue('item', dataKey, ['stringData', 'list'])],
      plain_unencrypted: 'as it is',
    });
    const { stringData, ...rest } = await withAge().decryptObject(sealed);
    expect(stringData).toEqual({
      text: 'wörld',
      number: 42,
      flag: true,
      list: ['item'],
      plain_unencrypted: 'as it is',
    });
    expect(rest['sops']).toBeUndefined();
  });

  test('refuses a value that was moved to another key', async () => {
    const sealed = secret({ admin: encryptValue('x', dataKey, ['stringData', 'guest']) });
    await expect(withAge().decryptObject(sealed)).rejects.toThrow(
      /'apps\/s' Secret data: error decrypting sops tree: .*stringData\.admin/,
    );
  });

  test('leaves what the annotation excludes, and what is not encrypted', async () => {
    const excluded = secret({ a: 'ENC[…]' });
    excluded.metadata.annotations = { 'kustomize.toolkit.fluxcd.io/decrypt': 'Disabled' };
    expect(await withAge().decryptObject(excluded)).toBe(excluded);
    const plain = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'p' }, data: { a: 'YQ==' } };
    expect(await withAge().decryptObject(plain)).toBe(plain);
  });

  test('decrypts single fields of a Secret in the format of their name', async () => {
    const file = { sops, data: encryptValue('bytes', dataKey, ['data']) };
    const env = `A=${encryptValue('1', dataKey, ['A'])}\nsops_mac=${mac}\nsops_age__list_0__map_enc=${wrapped()}\n`;
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { 'file.bin': base64(JSON.stringify(file, null, 2)), 'app.env': base64(env), other: base64('x') },
    };
    const { data } = await withAge().decryptObject(object);
    expect(data).toEqual({ 'file.bin': base64('bytes'), 'app.env': base64('A=1\n'), other: base64('x') });
  });

  test('says which keys were tried, and no secret', async () => {
    const other = await newAgeKey();
    const decryptor = decryptorWith({ 'id.agekey': other.identity });
    const error = await decryptor.decryptObject(secret({ a: 'b' })).catch((caught: Error) => caught);
    expect(String(error)).toMatch(/cannot get sops data key: age age1/);
    expect(String(error)).not.toContain(other.identity);
    await expect(decryptorWith({}).decryptObject(secret({ a: 'b' }))).rejects.toThrow(/no key given/);
  });

  test('an encrypted Secret never reaches the cluster', () => {
    expect(() => refuseEncrypted(secret({}))).toThrow(/^Secret\/apps\/s is SOPS encrypted, configuring decryption/);
  });
});

describe('master keys', () => {
  test('opens PGP keys', async () => {
    const { privateKey, publicKey } = await openpgp.generateKey({ userIDs: [{ name: 'ops' }], format: 'armored' });
    const message = await openpgp.createMessage({ binary: new Uint8Array(dataKey) });
    const encryptionKeys = await openpgp.readKey({ armoredKey: publicKey });
    const enc = await openpgp.encrypt({ message, encryptionKeys });
    const sealed = secret({ a: encryptValue('v', dataKey, ['stringData', 'a']) }, { mac, pgp: [{ fp: 'AB', enc }] });
    const plain = await decryptorWith({ 'ops.asc': privateKey }).decryptObject(sealed);
    expect(plain['stringData']).toEqual({ a: 'v' });
  });

  test('asks KMS with the context, the role and the static credentials', async () => {
    const asked: KmsDecryptRequest[] = [];
    const material = readKeyMaterial({
      'sops.aws-kms': Buffer.from('aws_access_key_id: AKIA\naws_secret_access_key: s3cr3t\n'),
    });
    const ring = createKeyRing(material, async (request) => {
      asked.push(request);
      return dataKey;
    });
    const kms = [
      { arn: 'arn:aws:kms:eu-west-1:1:key/k', enc: 'Y3Q=', context: { app: 'x' }, role: 'arn:aws:iam::1:role/r' },
    ];
    const sealed = secret({ a: encryptValue('v', dataKey, ['stringData', 'a']) }, { mac, kms });
    expect((await createDecryptor(ring, signal).decryptObject(sealed))['stringData']).toEqual({ a: 'v' });
    expect(asked).toEqual([
      {
        arn: 'arn:aws:kms:eu-west-1:1:key/k',
        ciphertext: Buffer.from('ct'),
        context: { app: 'x' },
        role: 'arn:aws:iam::1:role/r',
        credentials: { accessKeyId: 'AKIA', secretAccessKey: 's3cr3t' },
      },
    ]);
  });

  test('puts a key together from the groups that are needed', async () => {
    // Shares of the line secret + slope·x over GF(2^8) at x = 1, 2, 3.
    const slope = randomBytes(32);
    const double = (byte: number) => ((byte << 1) ^ (byte & 0x80 ? 0x11b : 0)) & 0xff;
    const share = (x: number, times: (byte: number) => number) =>
      Buffer.from([...dataKey.map((byte, i) => byte ^ times(slope[i]!)), x]);
    const shares = [share(1, (b) => b), share(2, double), share(3, (b) => b ^ double(b))];
    const groups = await Promise.all(shares.map(async (part) => ({ age: [await ageKey.wrap(part)] })));
    groups[0]!.age[0]!.enc = 'unreadable';
    const block = { mac, shamir_threshold: 2, key_groups: groups };
    const sealed = secret({ a: encryptValue('v', dataKey, ['stringData', 'a']) }, block);
    expect((await withAge().decryptObject(sealed))['stringData']).toEqual({ a: 'v' });
  });
});

describe('files', () => {
  test('decrypts what generators and patches of every kustomization in reach read', async () => {
    const patch = dump({ kind: 'Secret', data: { a: encryptValue('v', dataKey, ['data', 'a']) }, sops });
    const ini = `[db]\nuser = ${encryptValue('me', dataKey, ['db', 'user'])}\n\n[sops]\nmac = ${mac}\nage__list_0__map_enc = ${wrapped()}\n`;
    const fs = memoryFileSystem({
      'kustomization.yaml': 'resources: [base, ../out, https://example.com/x]\npatches: [{path: patch.yaml}]',
      'patch.yaml': patch,
      'base/kustomization.yml': 'secretGenerator: [{name: s, files: [conf.ini=my.ini], envs: [plain.env]}]',
      'base/my.ini': ini,
      'base/plain.env': 'A=1',
    });
    const view = await decryptedFiles(fs, '.', withAge());
    expect(load(view.readFile('patch.yaml')?.toString() ?? '')).toEqual({ kind: 'Secret', data: { a: 'v' } });
    expect(view.readFile('base/my.ini')?.toString()).toBe('[db]\nuser = me\n');
    expect(view.readFile('base/plain.env')?.toString()).toBe('A=1');
  });
});

function wrapped(): string {
  const [entry] = sops['age'] as { enc: string }[];
  return entry!.enc.replaceAll('\n', '\\n');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
