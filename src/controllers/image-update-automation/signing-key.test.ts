import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedCluster, openEmbeddedCluster, secretOf } from '../../../test/support/embedded-cluster.ts';
import { loadSigningKey } from './signing-key.ts';

let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await openEmbeddedCluster('team-signing');
});

async function load(type: 'gpg' | 'ssh', data: Record<string, string>) {
  await cluster.clear(['Secret']);
  await cluster.put(secretOf('key', data));
  const commit = { author: { email: 'e' }, signingKey: { type, secretRef: { name: 'key' } } };
  const automation = { metadata: { name: 'a', namespace: cluster.namespace }, spec: { git: { commit } } };
  return loadSigningKey(automation as never, cluster.client, new AbortController().signal);
}

const locked = (field: string) =>
  `can not use passphrase protected signing key without '${field}' field present in secret key`;

test('OpenPGP: one key, its passphrase where it has one', async () => {
  const make = async (passphrase?: string) => {
    const userIDs = [{ name: 'Bot', email: 'bot@example.com' }];
    return (await openpgp.generateKey({ userIDs, ...(passphrase && { passphrase }) })).privateKey;
  };
  const [open, closed] = [await make(), await make('secret')];
  expect(await load('gpg', { 'git.asc': open })).toMatchObject({ kind: 'gpg' });
  expect(await load('gpg', { 'git.asc': closed, passphrase: 'secret' })).toMatchObject({ passphrase: 'secret' });
  await expect(load('gpg', { 'git.asc': closed })).rejects.toThrow(locked('passphrase'));
  await expect(load('gpg', { other: 'x' })).rejects.toThrow(
    "signing key secret 'key' does not contain a 'git.asc' key",
  );
  await expect(load('gpg', { 'git.asc': 'x' })).rejects.toThrow("unable to read the key 'git.asc'");
  const keys = await Promise.all([open, closed].map((armoredKey) => openpgp.readPrivateKey({ armoredKey })));
  const bytes = keys.map((key) => key.toPacketList().write());
  const both = openpgp.armor(openpgp.enums.armor.privateKey, Buffer.concat(bytes));
  await expect(load('gpg', { 'git.asc': both })).rejects.toThrow("multiple entities read from secret 'key'");
});

const hasSshKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;
describe.skipIf(!hasSshKeygen)('SSH', () => {
  test.each(['RFC4716', 'PEM'])('a key of the form %s, its passphrase where it has one', async (form) => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-key-'));
    const make = (name: string, passphrase: string) => {
      const file = join(dir, name);
      execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-m', form, '-N', passphrase, '-f', file]);
      return readFileSync(file, 'utf8');
    };
    const identity = make('closed', 'secret');
    expect(await load('ssh', { identity: make('open', '') })).toMatchObject({ kind: 'ssh' });
    expect(await load('ssh', { identity, password: 'secret' })).toMatchObject({ passphrase: 'secret' });
    await expect(load('ssh', { identity })).rejects.toThrow(locked('password'));
    await expect(load('ssh', {})).rejects.toThrow("signing key secret 'key' does not contain an 'identity' key");
    rmSync(dir, { recursive: true });
  });
});
