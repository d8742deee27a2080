import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GitHttpServer, startGitHttpServer } from '../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, runGit, type TestRepository } from '../../test/support/git-repository.ts';
import { withDeadline } from '../base/deadline.ts';
import { parseCommit } from './commit-object.ts';
import { listRemoteRefs } from './ls-remote.ts';
import { fetchCommit, fetchInto, openMirror, tidyMirror } from './mirror.ts';
import { withObjects } from './objects.ts';
import { createGit } from './program.ts';
import { pushHead } from './push.ts';
import type { GitRemote } from './remote.ts';
import { readTree } from './tree.ts';
import { cloneWorkTree, commitAll } from './work-tree.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
let repository: TestRepository;
let server: GitHttpServer;
let first: string;
let second: string;

beforeAll(async () => {
  repository = createRepository(temp.dir);
  first = repository.commit({ 'a/x.yaml': 'x: 1\n', 'a.b': 'dot', 'run.sh': 'exit 0\n' });
  chmodSync(join(repository.work, 'run.sh'), 0o755);
  second = repository.commit({ 'ü/ä.txt': 'umlaut' }, { message: 'second' });
  repository.git('tag', '-a', 'v1.0.0', '-m', 'one');
  repository.git('push', '-q', 'origin', 'v1.0.0');
  server = await startGitHttpServer({ root: temp.dir, credential: 'bob:s3cret' });
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});

const remote = (changes: Partial<GitRemote> = {}): GitRemote => ({
  url: `${server.url}/fleet.git`,
  auth: { kind: 'basic', username: 'bob', password: 's3cret' },
  ...changes,
});

test('lists refs, with the commit behind an annotated tag', async () => {
  const refs = await listRemoteRefs(git, remote(), ['refs/heads/main', 'refs/tags/v1.0.0'], signal);
  expect(refs.get('refs/heads/main')?.commit).toBe(second);
  const tag = refs.get('refs/tags/v1.0.0');
  expect(tag?.commit).toBe(second);
  expect(tag?.oid).not.toBe(second);
});

test('credentials are sent at once: one request', async () => {
  server.requests.length = 0;
  await listRemoteRefs(git, remote(), ['refs/heads/main'], signal);
  expect(server.requests.filter(({ authorization }) => authorization === undefined)).toEqual([]);
});

test.each([
  ['a wrong password', { auth: { kind: 'basic', username: 'bob', password: 'no' } }, 'GIT_AUTH_DENIED'],
  ['no credential', { auth: { kind: 'none' } }, 'GIT_AUTH_DENIED'],
] as const)('%s is told as such', async (_, changes, code) => {
  const failure = listRemoteRefs(git, remote(changes), ['refs/heads/main'], signal);
  await expect(failure).rejects.toMatchObject({ code });
  await expect(failure).rejects.not.toThrow(/s3cret|Authorization/);
});

test('an unknown repository is told as such', async () => {
  const failure = listRemoteRefs(git, remote({ url: `${server.url}/nope.git` }), ['refs/heads/main'], signal);
  await expect(failure).rejects.toMatchObject({ code: 'GIT_REPOSITORY_NOT_FOUND' });
});

test('fetches shallow, then only the difference; the tree comes in walk order', async () => {
  const mirror = await openMirror(join(temp.dir, 'mirror'));
  expect(await fetchInto(git, mirror, remote(), 'refs/heads/main', { signal })).toBe(second);
  const entries = await withObjects(git, mirror.gitDir, signal, async (objects) => {
    const { data } = await objects.read(second);
    const commit = parseCommit(data);
    expect(commit.message).toBe('second\n');
    return readTree(objects, commit.headers.get('tree') ?? '');
  });
  expect(entries.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
    'directory a',
    'file a/x.yaml',
    'file a.b',
    'executable run.sh',
    'directory ü',
    'file ü/ä.txt',
  ]);
  const third = repository.commit({ 'a/x.yaml': 'x: 2\n' });
  expect(await fetchInto(git, mirror, remote(), 'refs/heads/main', { signal })).toBe(third);
  const packs = readdirSync(join(mirror.gitDir, 'objects/pack')).filter((name) => name.endsWith('.pack'));
  expect(packs).toHaveLength(2);
  expect(await fetchCommit(git, mirror, remote(), first, { signal })).toBe(first);
});

test('many packs become one, with what was fetched last', async () => {
  const mirror = await openMirror(join(temp.dir, 'packs'));
  await fetchInto(git, mirror, remote(), 'refs/heads/main', { signal });
  const dir = join(mirror.gitDir, 'objects/pack');
  const [pack = ''] = readdirSync(dir).filter((name) => name.endsWith('.pack'));
  for (let i = 0; i < 24; i++) {
    for (const end of ['.pack', '.idx']) {
      copyFileSync(join(dir, pack.replace('.pack', end)), join(dir, `pack-${String(i).padStart(40, '0')}${end}`));
    }
  }
  expect(await tidyMirror(git, mirror, { signal, maxBytes: 1e9 })).toBe(true);
  expect(readdirSync(dir).filter((name) => name.endsWith('.pack'))).toHaveLength(1);
  const next = repository.commit({ 'a/y.yaml': 'y: 1\n' });
  expect(await fetchInto(git, mirror, remote(), 'refs/heads/main', { signal })).toBe(next);
  expect(await tidyMirror(git, mirror, { signal, maxBytes: 1e9 })).toBe(false);
  expect(await tidyMirror(git, mirror, { signal, maxBytes: 100 })).toBe(true);
  expect(readdirSync(dir).filter((name) => name.endsWith('.pack'))).toHaveLength(1);
  expect(await tidyMirror(git, mirror, { signal, maxBytes: 100 })).toBe(false);
});

test('a missing branch and an unknown commit are told as such', async () => {
  const mirror = await openMirror(join(temp.dir, 'mirror'));
  const branch = fetchInto(git, mirror, remote(), 'refs/heads/nope', { signal });
  await expect(branch).rejects.toMatchObject({ code: 'GIT_REF_NOT_FOUND' });
  const commit = fetchCommit(git, mirror, remote(), 'f'.repeat(40), { signal });
  await expect(commit).rejects.toMatchObject({ code: 'GIT_REF_NOT_FOUND' });
});

test('clones, commits and pushes; a moved branch is told as such', async () => {
  const author = { name: 'Flux <bot>', email: 'flux@example.com' };
  const source = 'refs/heads/main';
  const one = await cloneWorkTree(git, remote(), { dir: join(temp.dir, 'one'), source, signal });
  const two = await cloneWorkTree(git, remote(), { dir: join(temp.dir, 'two'), source, signal });
  expect(await commitAll(git, one, { message: 'none', author, time: 0, signal })).toBeUndefined();
  writeFileSync(join(one.dir, 'a/x.yaml'), 'x: 3\n');
  const commit = await commitAll(git, one, { message: 'three', author, time: 1_700_000_000_000, signal });
  await pushHead(git, remote(), one, { target: source, signal });
  expect(runGit(repository.bare, ['rev-parse', 'main'])).toBe(commit);
  expect(runGit(repository.bare, ['log', '-1', '--format=%an|%ae|%at|%s', 'main'])).toBe(
    'Flux bot|flux@example.com|1700000000|three',
  );
  // Once more: the server has it already.
  await pushHead(git, remote(), one, { target: source, signal });
  writeFileSync(join(two.dir, 'a/x.yaml'), 'x: 4\n');
  await commitAll(git, two, { message: 'four', author, time: 0, signal });
  const late = pushHead(git, remote(), two, { target: source, signal });
  await expect(late).rejects.toMatchObject({ code: 'GIT_PUSH_MOVED' });
  // The same folder again brings the new head and drops what was tried.
  const again = await cloneWorkTree(git, remote(), { dir: join(temp.dir, 'two'), source, signal });
  expect(again.head).toBe(commit);
  expect(readFileSync(join(again.dir, 'a/x.yaml'), 'utf8')).toBe('x: 3\n');
});

test('a hook that declines a push is told with its words', async () => {
  const hook = join(repository.bare, 'hooks/pre-receive');
  writeFileSync(hook, '#!/bin/sh\necho "main is protected" >&2\nexit 1\n', { mode: 0o755 });
  const tree = await cloneWorkTree(git, remote(), { dir: join(temp.dir, 'hook'), source: 'refs/heads/main', signal });
  writeFileSync(join(tree.dir, 'new'), '');
  await commitAll(git, tree, { message: 'x', author: { name: 'a', email: 'b' }, time: 0, signal });
  const push = pushHead(git, remote(), tree, { target: 'refs/heads/main', signal });
  await expect(push).rejects.toMatchObject({ code: 'GIT_PUSH_REFUSED', message: /main is protected/ });
  writeFileSync(hook, '#!/bin/sh\nexit 0\n');
});

test('a redirect to another host never sees the credential', async () => {
  const thief = await startGitHttpServer({ root: temp.dir });
  const bouncer = await startGitHttpServer({
    root: temp.dir,
    intercept: (request, response) => {
      response.writeHead(301, { location: `${thief.url}${request.url}` }).end();
      return true;
    },
  });
  try {
    const refs = await listRemoteRefs(git, remote({ url: `${bouncer.url}/fleet.git` }), ['refs/heads/main'], signal);
    expect(refs.size).toBe(1);
    expect(thief.requests.length).toBeGreaterThan(0);
    expect(thief.requests.map(({ authorization }) => authorization)).toEqual(thief.requests.map(() => undefined));
  } finally {
    await thief.close();
    await bouncer.close();
  }
});

test('a redirect on the same host keeps it', async () => {
  const host = await startGitHttpServer({
    root: temp.dir,
    credential: 'bob:s3cret',
    intercept: (request, response) => {
      if (!request.url?.startsWith('/old.git')) return false;
      response.writeHead(301, { location: request.url.replace('/old.git', '/fleet.git') }).end();
      return true;
    },
  });
  try {
    const refs = await listRemoteRefs(git, remote({ url: `${host.url}/old.git` }), ['refs/heads/main'], signal);
    expect(refs.size).toBe(1);
  } finally {
    await host.close();
  }
});

test('a server that hangs is given up with the deadline, and no process stays', async () => {
  const hanging = await startGitHttpServer({ root: temp.dir, intercept: () => true });
  try {
    const work = withDeadline(signal, 300, 'listing', (deadline) =>
      listRemoteRefs(git, remote({ url: `${hanging.url}/fleet.git` }), ['refs/heads/main'], deadline),
    );
    await expect(work).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  } finally {
    await hanging.close();
  }
  expect(existsSync(temp.dir)).toBe(true);
  expect(readdirSync(temp.dir).filter((name) => name.startsWith('millrace-git-'))).toEqual([]);
});
