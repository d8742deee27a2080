import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, type TestRepository } from '../../../test/support/git-repository.ts';
import { createGitHarness, type SourceHarness } from '../../../test/support/source-harness.ts';

const temp = makeTempDir();
let server: GitHttpServer;
let repository: TestRepository;
let h: SourceHarness;
let number = 0;

beforeAll(async () => {
  server = await startGitHttpServer({ root: temp.dir });
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});
beforeEach(async () => {
  repository = createRepository(temp.dir, `r${++number}.git`);
  h = await createGitHarness(`${temp.dir}/h${number}`);
});
const put = (spec: Record<string, unknown> = {}, name?: string) =>
  h.put({ url: `${server.url}/r${number}.git`, ...spec }, name);

test('links are left out, ignored files too; every folder is there', async () => {
  symlinkSync('/etc/passwd', join(repository.work, 'link'));
  repository.commit({ 'deploy/a.yaml': 'a', 'docs/a.png': 'p', '.github/x.yml': 'x', '.gitignore': 'none' });
  await put();
  await h.reconcile();
  expect(await h.files()).toEqual({ 'deploy/a.yaml': 'a' });
  expect(h.cluster.recorded).toContain('Trace EntriesLeftOut: left out the symbolic link: link');
});

test('own rules replace the defaults, and a folder can be taken back', async () => {
  repository.commit({
    '.sourceignore': '/*\n!/deploy\n',
    'deploy/a.yaml': 'a',
    'deploy/a.png': 'p',
    'other/b.yaml': 'b',
    'deploy/sub/.sourceignore': 'c.yaml\n',
    'deploy/sub/c.yaml': 'c',
    'deploy/c.yaml': 'c',
  });
  await put();
  await h.reconcile();
  expect(Object.keys(await h.files())).toEqual([
    'deploy/a.png',
    'deploy/a.yaml',
    'deploy/c.yaml',
    'deploy/sub/.sourceignore',
  ]);
  await h.edit({ ignore: '*.png' });
  await h.reconcile();
  expect(Object.keys(await h.files())).not.toContain('deploy/a.png');
  expect(h.status()['observedIgnore']).toBe('*.png');
});

test('sparse folders alone; a missing one is an error', async () => {
  repository.commit({ 'a/x': '1', 'a/b/y': '2', 'c/z': '3', root: '4' });
  await put({ sparseCheckout: ['./a/b', 'c'] });
  await h.reconcile();
  expect(await h.files()).toEqual({ 'a/b/y': '2', 'c/z': '3' });
  expect(h.status()['observedSparseCheckout']).toEqual(['./a/b', 'c']);
  await h.edit({ sparseCheckout: ['nope'] });
  await h.reconcile();
  expect(h.condition('FetchFailed')).toMatchObject({
    reason: 'GitOperationFailed',
    message: expect.stringMatching(
      /^failed to sparse checkout directories : sparse checkout dir 'nope' does not exist in repository: /,
    ),
  });
});

test('submodules at their commits, nested and by relative address', async () => {
  const inner = createRepository(temp.dir, `inner${number}.git`);
  inner.commit({ deep: 'd' });
  const outer = createRepository(temp.dir, `outer${number}.git`);
  outer.commit({ lib: 'l' });
  const allow = ['-c', 'protocol.file.allow=always', 'submodule', 'add', '-q'];
  outer.git(...allow, inner.bare, 'nested');
  outer.git('config', '-f', '.gitmodules', 'submodule.nested.url', `../inner${number}.git`);
  outer.commit({});
  repository.commit({ own: 'o' });
  repository.git(...allow, outer.bare, 'vendor/outer');
  repository.git('config', '-f', '.gitmodules', 'submodule.vendor/outer.url', `${server.url}/outer${number}.git`);
  repository.commit({});
  await put();
  await h.reconcile();
  expect(await h.files()).toEqual({ own: 'o' });
  await h.edit({ recurseSubmodules: true });
  await h.reconcile();
  expect(await h.files()).toEqual({ own: 'o', 'vendor/outer/lib': 'l', 'vendor/outer/nested/deep': 'd' });
  expect(h.status()['observedRecurseSubmodules']).toBe(true);
});

test('a submodule elsewhere gets no credential', async () => {
  const thief = await startGitHttpServer({ root: temp.dir });
  const guarded = await startGitHttpServer({ root: temp.dir, credential: 'bob:s3cret' });
  const other = createRepository(temp.dir, `other${number}.git`);
  other.commit({ x: 'x' });
  repository.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', other.bare, 'sub');
  repository.git('config', '-f', '.gitmodules', 'submodule.sub.url', `${thief.url}/other${number}.git`);
  repository.commit({});
  await h.cluster.put({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'auth' },
    data: { username: btoa('bob'), password: btoa('s3cret') },
  });
  await put({ url: `${guarded.url}/r${number}.git`, secretRef: { name: 'auth' }, recurseSubmodules: true });
  await h.reconcile();
  expect(await h.files()).toEqual({ 'sub/x': 'x' });
  expect(thief.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  await thief.close();
  await guarded.close();
});

test('included repositories take their places, and their changes make a new artifact', async () => {
  const lib = createRepository(temp.dir, `lib${number}.git`);
  lib.commit({ 'base/a.yaml': 'v1', 'other/b.yaml': 'b' });
  repository.commit({ 'own.yaml': 'o', 'lib/old.yaml': 'gone' });
  const include = [{ repository: { name: 'lib' }, fromPath: 'base', toPath: 'lib' }];
  await put({ include });
  expect(await h.reconcile()).toEqual({ requeueAfterMs: 30_000 });
  expect(h.condition('IncludeUnavailable')).toMatchObject({ reason: 'NotFound' });
  await h.put({ url: `${server.url}/lib${number}.git` }, 'lib');
  await h.reconcile();
  expect(h.condition('IncludeUnavailable')).toMatchObject({
    reason: 'NoArtifact',
    message: "no artifact available for include 'lib'",
  });
  await h.reconcile('lib');
  await h.reconcile();
  expect(await h.files()).toEqual({ 'lib/a.yaml': 'v1', 'own.yaml': 'o' });
  expect(h.status()['includedArtifacts']).toMatchObject([{ revision: h.artifact('lib').revision }]);
  expect(h.status()['observedInclude']).toEqual(include);
  const { digest } = h.artifact();
  lib.commit({ 'base/a.yaml': 'v2' });
  await h.reconcile('lib');
  await h.reconcile();
  expect(await h.files()).toEqual({ 'lib/a.yaml': 'v2', 'own.yaml': 'o' });
  expect(h.artifact().digest).not.toBe(digest);
  await h.edit({ include: [{ repository: { name: 'lib' }, toPath: '../out' }] });
  await h.reconcile();
  expect(h.condition('StorageOperationFailed')).toMatchObject({ reason: 'IllegalPath' });
});

test('names that are not ASCII and long ones survive', async () => {
  const long = `${'d'.repeat(90)}/${'e'.repeat(120)}/${'f'.repeat(60)}.yaml`;
  repository.commit({ 'ümläut/日本.yaml': 'u', [long]: 'l' });
  await put();
  await h.reconcile();
  expect(await h.files()).toEqual({ 'ümläut/日本.yaml': 'u', [long]: 'l' });
});
