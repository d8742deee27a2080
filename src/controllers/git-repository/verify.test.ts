import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, runGit, type TestRepository } from '../../../test/support/git-repository.ts';
import { createGitHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import { createGit } from '../../git/program.ts';
import { pushHead } from '../../git/push.ts';
import { cloneWorkTree, commitAll } from '../../git/work-tree.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
let server: GitHttpServer;
let number = 0;
beforeAll(async () => {
  server = await startGitHttpServer({ root: temp.dir });
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});

async function setUp(): Promise<{ repository: TestRepository; h: SourceHarness; url: string }> {
  const name = `r${++number}.git`;
  const repository = createRepository(temp.dir, name);
  return { repository, h: await createGitHarness(`${temp.dir}/h${number}`), url: `${server.url}/${name}` };
}

const hasSshKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;
describe.skipIf(!hasSshKeygen)('SSH signatures, made by ssh-keygen', () => {
  const types = [
    ['ed25519', []],
    ['ecdsa', ['-b', '256']],
    ['ecdsa', ['-b', '384']],
    ['ecdsa', ['-b', '521']],
    ['rsa', ['-b', '2048']],
  ] as const;
  test.each(types)('%s %j: commit and tag', async (type, options) => {
    const { repository, h, url } = await setUp();
    const key = join(temp.dir, `key-${number}`);
    spawnSync('ssh-keygen', ['-q', '-t', type, ...options, '-N', '', '-f', key]);
    const config = ['gpg.format=ssh', `user.signingKey=${key}`];
    const commit = repository.commit({ a: '1' }, { config, sign: true });
    repository.git(...config.flatMap((entry) => ['-c', entry]), 'tag', '-s', '-m', 'one', 'v1');
    repository.git('tag', '-a', '-m', 'unsigned', 'v2');
    repository.git('push', '-q', 'origin', 'v1', 'v2');
    await h.cluster.put(secretOf('keys', { 'team.sshpub': readFileSync(`${key}.pub`, 'utf8') }));
    const fingerprint = spawnSync('ssh-keygen', ['-lf', key], { encoding: 'utf8' }).stdout.split(' ')[1];
    await h.put({ url, verify: { mode: 'HEAD', secretRef: { name: 'keys' } } });
    await h.reconcile();
    expect(h.condition('SourceVerified')).toMatchObject({
      status: 'True',
      message: `verified signature of\n\t- commit '${commit}' with key '${fingerprint}'`,
    });
    expect(h.status()['sourceVerificationMode']).toBe('HEAD');
    await h.edit({
      ref: { tag: 'v1' },
      verify: { mode: 'TagAndHEAD', secretRef: { name: 'keys' } },
    });
    await h.reconcile();
    expect(h.condition('SourceVerified')?.message).toBe(
      `verified signature of\n\t- tag 'v1' with key '${fingerprint}'\n\t- commit '${commit}' with key '${fingerprint}'`,
    );
    await h.edit({ ref: { tag: 'v2' } });
    await h.reconcile();
    expect(h.condition('Ready')).toMatchObject({
      status: 'False',
      reason: 'InvalidGitObject',
      message: "cannot verify signature of tag 'v2' since it is not signed",
    });
  });

  test('a commit signed by ourselves passes git verify-commit', async () => {
    const { repository, url } = await setUp();
    repository.commit({ a: '1' });
    const key = join(temp.dir, `key-${number}`);
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'pass word', '-f', key]);
    const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
    const remote = { url, auth: { kind: 'none' } } as const;
    const dir = join(temp.dir, `work-${number}`);
    const tree = await cloneWorkTree(git, remote, { dir, source: 'refs/heads/main', signal });
    spawnSync('sh', ['-c', `echo 2 > '${tree.dir}/a'`]);
    const author = { name: 'Bot', email: 'bot@example.com' };
    const identity = readFileSync(key, 'utf8');
    const wrong = { kind: 'ssh', identity, passphrase: 'wrong' } as const;
    await expect(
      commitAll(git, tree, { message: 'x', author, time: Date.now(), signingKey: wrong, signal }),
    ).rejects.toMatchObject({ code: 'GIT_KEY_INVALID' });
    const signingKey = { kind: 'ssh', identity, passphrase: 'pass word' } as const;
    const commit = await commitAll(git, tree, { message: 'x', author, time: Date.now(), signingKey, signal });
    await pushHead(git, remote, tree, { target: 'refs/heads/main', signal });
    const allowed = join(temp.dir, `allowed-${number}`);
    spawnSync('sh', ['-c', `echo "bot@example.com $(cat '${key}.pub')" > '${allowed}'`]);
    runGit(repository.bare, ['-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'verify-commit', commit ?? '']);
  });
});

describe('OpenPGP signatures', () => {
  const author = { name: 'Bot', email: 'bot@example.com' };

  async function newKey(passphrase?: string) {
    return openpgp.generateKey({ userIDs: [author], ...(passphrase === undefined ? {} : { passphrase }) });
  }

  test('a commit signed by ourselves is verified, by gpg too', async () => {
    const { repository, h, url } = await setUp();
    repository.commit({ a: '1' });
    const { privateKey, publicKey } = await newKey('secret');
    const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
    const remote = { url, auth: { kind: 'none' } } as const;
    const dir = join(temp.dir, `work-${number}`);
    const tree = await cloneWorkTree(git, remote, { dir, source: 'refs/heads/main', signal });
    spawnSync('sh', ['-c', `echo 2 > '${tree.dir}/a'`]);
    const signingKey = { kind: 'gpg', armoredKey: privateKey, passphrase: 'secret' } as const;
    const time = Date.now();
    const commit = await commitAll(git, tree, { message: 'signed', author, time, signingKey, signal });
    await pushHead(git, remote, tree, { target: 'refs/heads/main', signal });
    await h.cluster.put(secretOf('keys', { 'bot.asc': publicKey }));
    await h.put({ url, verify: { secretRef: { name: 'keys' } } });
    await h.reconcile();
    const keyId = (await openpgp.readKey({ armoredKey: publicKey })).getKeyID().toHex().toUpperCase();
    expect(h.condition('SourceVerified')?.message).toBe(
      `verified signature of\n\t- commit '${commit}' with key '${keyId}'`,
    );
    if (spawnSync('gpg', ['--version']).error !== undefined) return;
    const home = join(temp.dir, 'gnupg');
    mkdirSync(home, { mode: 0o700 });
    spawnSync('gpg', ['--homedir', home, '--import'], { input: publicKey });
    runGit(repository.bare, ['verify-commit', commit ?? ''], { GNUPGHOME: home });
  });

  test('unsigned, and signed by a stranger', async () => {
    const { repository, h, url } = await setUp();
    const unsigned = repository.commit({ a: '1' });
    const { publicKey } = await newKey();
    await h.put({ url, verify: { mode: 'HEAD', secretRef: { name: 'keys' } } });
    await h.reconcile();
    expect(h.condition('SourceVerified')).toMatchObject({
      status: 'False',
      reason: 'VerificationError',
      message: 'public keys secret error: secrets "keys" not found',
    });
    await h.cluster.put(secretOf('keys', { 'bot.asc': publicKey }));
    await h.reconcile();
    expect(h.condition('Ready')).toMatchObject({
      status: 'False',
      reason: 'InvalidCommitSignature',
      message: `signature verification of commit '${unsigned}' failed: it is not signed`,
    });
    expect(h.status()['artifact']).toBeUndefined();
    await h.edit({ verify: { mode: 'Tag', secretRef: { name: 'keys' } } });
    expect(await h.reconcile()).toEqual({});
    expect(h.condition('Stalled')).toMatchObject({ reason: 'InvalidVerificationMode' });
    await h.edit({ verify: undefined });
    await h.reconcile();
    expect(h.condition('Ready')?.status).toBe('True');
    expect(h.condition('SourceVerified')).toBeUndefined();
  });
});
