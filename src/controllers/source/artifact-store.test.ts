import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { startArtifactServer } from './artifact-server.ts';
import { createArtifactStore } from './artifact-store.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
afterAll(() => temp.remove());
let now = Date.now();
const root = join(temp.dir, 'store');
const store = createArtifactStore({ root, advertisedHost: 'http://host:9', clock: { now: () => now } });

const put = (name: string, text = name) =>
  store.write({ path: `gitrepository/ns/x/${name}`, revision: name }, async (file) => {
    writeFileSync(file, text);
    return { digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, size: text.length };
  });
const names = () => readdirSync(join(root, 'gitrepository/ns/x')).sort();

test('a file is written beside its place and moved there, private to us', async () => {
  const artifact = await put('a.tar.gz');
  expect(artifact).toMatchObject({ url: 'http://host:9/gitrepository/ns/x/a.tar.gz', size: 8 });
  const { mode } = statSync(store.fileOf(artifact));
  expect(mode & 0o777).toBe(0o600);
  expect(statSync(join(root, 'gitrepository/ns/x')).mode & 0o777).toBe(0o700);
  const failing = store.write({ path: 'gitrepository/ns/x/b', revision: 'b' }, async (file) => {
    writeFileSync(file, 'half');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(names()).toEqual(['a.tar.gz']);
  expect(await store.check(artifact, signal)).toBe('present');
  const { mtime, atime } = statSync(store.fileOf(artifact));
  writeFileSync(store.fileOf(artifact), 'A.tar.gz');
  utimesSync(store.fileOf(artifact), atime, mtime);
  expect(await store.check(artifact, signal)).toBe('damaged');
  await store.remove(artifact);
  expect(await store.check(artifact, signal)).toBe('missing');
});

test.each(['../x', 'a/../../x', 'a//b', '.', ''])('the path %j is refused', (path) => {
  expect(() => store.fileOf({ path })).toThrow(/leaves the storage/);
});

test('garbage: too old whatever the number, then the oldest past the number', async () => {
  const files = [];
  for (const name of ['1', '2', '3', '4']) files.push(await put(name));
  const age = (name: string, seconds: number) => {
    const time = (now - seconds * 1000) / 1000;
    utimesSync(join(root, 'gitrepository/ns/x', name), time, time);
  };
  age('1', 100);
  age('2', 30);
  age('3', 20);
  writeFileSync(join(root, 'gitrepository/ns/x/4.lock'), '');
  symlinkSync('4', join(root, 'gitrepository/ns/x/latest.tar.gz'));
  const current = files[3]!;
  expect(await store.collectGarbage(current)).toBe(2);
  expect(names()).toEqual(['3', '4', '4.lock', 'latest.tar.gz']);
  now += 120_000;
  expect(await store.collectGarbage(current)).toBe(1);
  expect(names()).toEqual(['4', '4.lock', 'latest.tar.gz']);
  await store.removeAll('GitRepository', { namespace: 'ns', name: 'x' });
  expect(existsSync(join(root, 'gitrepository/ns/x'))).toBe(false);
});

test('the server gives out artifacts and nothing else', async () => {
  await put('c.tar.gz', 'bytes');
  writeFileSync(join(temp.dir, 'secret'), 'secret');
  mkdirSync(join(root, 'gitrepository/ns/y'), { recursive: true });
  symlinkSync(join(temp.dir, 'secret'), join(root, 'gitrepository/ns/y/out'));
  symlinkSync('../x/c.tar.gz', join(root, 'gitrepository/ns/y/latest'));
  writeFileSync(join(root, 'gitrepository/ns/y/.draft.tmp'), 'draft');
  const server = await startArtifactServer({ root, host: '127.0.0.1', port: 0 });
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return [response.status, await response.text()];
  };
  expect(await get('/')).toEqual([200, 'ok\n']);
  expect(await get('/gitrepository/ns/x/c.tar.gz')).toEqual([200, 'bytes']);
  expect(await get('/gitrepository/ns/y/latest')).toEqual([200, 'bytes']);
  expect(await get('/gitrepository/ns/x/c.tar.gz', 'HEAD')).toEqual([200, '']);
  expect((await get('/gitrepository/ns/x/c.tar.gz', 'PUT'))[0]).toBe(405);
  for (const path of [
    '/gitrepository/ns/y/out',
    '/gitrepository/ns/y/.draft.tmp',
    '/gitrepository',
    '/%2e%2e/secret',
    '/%zz',
  ]) {
    expect((await get(path))[0], path).toBe(404);
  }
  const raw = await new Promise<string>((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.end('GET /../secret HTTP/1.0\r\n\r\n'));
    socket.once('data', (data) => resolve(data.toString()));
  });
  expect(raw).toMatch(/ 404 /);
  const taken = startArtifactServer({ root, host: '127.0.0.1', port: server.port });
  await expect(taken).rejects.toMatchObject({ code: 'STORAGE_SERVER_FAILED' });
  await server.close();
});
