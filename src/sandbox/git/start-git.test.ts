import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GitPush, type GitServer, startGit } from './start-git.ts';

const run = promisify(execFile);
const writer = { name: 'flux', password: 'w+r:te/%', access: 'write' } as const;
const reader = { name: 'guest', password: 'read', access: 'read' } as const;

let dir: string;
let server: GitServer;
let pushes: GitPush[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-git-'));
  pushes = [];
  server = await startGit({
    dataDir: join(dir, 'data'),
    users: [writer, reader],
    protectedRefs: ['refs/heads/release'],
    onPush: (push) => pushes.push(push),
  });
  await server.createRepository('fleet');
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

function git(args: string[], cwd = dir) {
  const env = { PATH: process.env['PATH'], HOME: dir, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' };
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  return run('git', [...who, ...args], { cwd, env });
}

function urlFor({ name, password }: { name: string; password: string }, repository = 'fleet.git') {
  return `${server.url.replace('//', `//${name}:${encodeURIComponent(password)}@`)}/${repository}`;
}

async function commit(work: string, file: string, text: string) {
  writeFileSync(join(work, file), text);
  await git(['add', '.'], work);
  await git(['commit', '-qm', `write ${file}`], work);
  return (await git(['rev-parse', 'HEAD'], work)).stdout.trim();
}

async function seeded() {
  await git(['clone', '-q', urlFor(writer), 'work']);
  const work = join(dir, 'work');
  const hash = await commit(work, 'a.yaml', 'a: 1\n');
  await git(['push', '-q', 'origin', 'HEAD:main'], work);
  return { work, hash };
}

test('clones, pushes and reports what changed', async () => {
  const { hash } = await seeded();
  expect(pushes).toEqual([
    { repository: 'fleet', user: 'flux', updates: [{ ref: 'refs/heads/main', from: '0'.repeat(40), to: hash }] },
  ]);
  const { stdout } = await git(['ls-remote', urlFor(reader)]);
  expect(stdout).toBe(`${hash}\tHEAD\n${hash}\trefs/heads/main\n`);
});

test.each(['0', '1', '2'])('serves protocol version %s', async (version) => {
  await seeded();
  await git(['-c', `protocol.version=${version}`, 'clone', '-q', '--depth=1', urlFor(reader), 'shallow']);
  expect((await git(['log', '--format=%s'], join(dir, 'shallow'))).stdout).toBe('write a.yaml\n');
});

test('fetches a commit by its hash, as controllers do', async () => {
  const { hash } = await seeded();
  await git(['init', '-q', 'bare']);
  await git(['fetch', '-q', '--depth=1', urlFor(reader), hash], join(dir, 'bare'));
});

test('takes a compressed request: many refs make a long one', async () => {
  const { work } = await seeded();
  for (let i = 0; i < 40; i++) await git(['tag', `v${i}`], work);
  await commit(work, 'b.yaml', 'b\n');
  await git(['push', '-q', '--tags', 'origin', 'HEAD:main'], work);
  expect(pushes.at(-1)?.updates).toHaveLength(41);
  await git(['clone', '-q', urlFor(reader), 'again']);
});

test('a large push goes through in chunks', async () => {
  const { work } = await seeded();
  const { randomBytes } = await import('node:crypto');
  const hash = await commit(work, 'large.bin', randomBytes(3_000_000).toString('hex'));
  await git(['push', '-q', 'origin', 'HEAD:main'], work);
  expect(pushes.at(-1)?.updates[0]?.to).toBe(hash);
});

test.each([
  ['no credentials', () => `${server.url}/fleet.git`, /could not read Username|Authentication failed/],
  ['a wrong password', () => urlFor({ name: 'flux', password: 'no' }), /Authentication failed/],
  ['a repository that does not exist', () => urlFor(writer, 'other.git'), /not found/],
  ['a path that leaves the folder', () => urlFor(writer, '..%2ffleet.git'), /not found|400|404/],
])('%s is refused', async (_, url, message) => {
  await expect(git(['ls-remote', url()])).rejects.toThrow(message);
});

test('a reader cannot push', async () => {
  const { work } = await seeded();
  await commit(work, 'b.yaml', 'b\n');
  await expect(git(['push', urlFor(reader), 'HEAD:main'], work)).rejects.toThrow(/403|not allowed/);
});

test('a protected branch takes no push, and nothing is stored', async () => {
  const { work } = await seeded();
  await expect(git(['push', 'origin', 'HEAD:release'], work)).rejects.toThrow(/protected branch hook declined/);
  expect(pushes).toHaveLength(1);
});

test('a push that is behind is rejected', async () => {
  const { work } = await seeded();
  await git(['clone', '-q', urlFor(writer), 'other']);
  await commit(join(dir, 'other'), 'c.yaml', 'c\n');
  await git(['push', '-q', 'origin', 'HEAD:main'], join(dir, 'other'));
  await commit(work, 'd.yaml', 'd\n');
  await expect(git(['push', 'origin', 'HEAD:main'], work)).rejects.toThrow(/rejected/);
});

test('a repository outlives the server', async () => {
  const { hash } = await seeded();
  await server.close();
  server = await startGit({ dataDir: join(dir, 'data'), users: [reader] });
  expect((await git(['ls-remote', urlFor(reader), 'main'])).stdout).toContain(hash);
});
