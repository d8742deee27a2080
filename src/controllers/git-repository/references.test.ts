import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, runGit, type TestRepository } from '../../../test/support/git-repository.ts';
import { createGitHarness } from '../../../test/support/source-harness.ts';
import { formatRevision, gitTarget, normaliseRevision } from './git-revision.ts';

const temp = makeTempDir();
let repository: TestRepository;
let server: GitHttpServer;
let number = 0;
const newHarness = () => createGitHarness(`${temp.dir}/h${++number}`);
const commits: Record<string, string> = {};

beforeAll(async () => {
  repository = createRepository(temp.dir);
  for (const tag of ['v1.0.0', 'v1.2.0', '1.10.0', 'v2.0.0-rc.1', 'not-a-version']) {
    commits[tag] = repository.commit({ version: tag }, { message: tag });
    repository.git('tag', ...(tag.startsWith('v1') ? ['-a', '-m', tag] : []), tag);
  }
  commits['feature/x'] = repository.commit({ version: 'feature' }, { branch: 'feature/x' });
  repository.git('push', '-q', 'origin', '--tags', 'HEAD~1:refs/pull/4/head');
  server = await startGitHttpServer({ root: temp.dir });
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});

const cases: { name: string; ref: Record<string, string> | undefined; revision: () => string }[] = [
  {
    name: 'a branch with a slash',
    ref: { branch: 'feature/x' },
    revision: () => `feature/x@sha1:${commits['feature/x']}`,
  },
  { name: 'an annotated tag', ref: { tag: 'v1.0.0' }, revision: () => `v1.0.0@sha1:${commits['v1.0.0']}` },
  { name: 'a plain tag', ref: { tag: '1.10.0' }, revision: () => `1.10.0@sha1:${commits['1.10.0']}` },
  { name: 'a range', ref: { semver: '>=1.0.0 <2.0.0' }, revision: () => `1.10.0@sha1:${commits['1.10.0']}` },
  {
    name: 'a range with prereleases',
    ref: { semver: '>=1.0.0-0' },
    revision: () => `v2.0.0-rc.1@sha1:${commits['v2.0.0-rc.1']}`,
  },
  {
    name: 'a name',
    ref: { name: 'refs/pull/4/head' },
    revision: () => `refs/pull/4/head@sha1:${commits['not-a-version']}`,
  },
  {
    name: 'the name of a tag',
    ref: { name: 'refs/tags/v1.2.0' },
    revision: () => `refs/tags/v1.2.0@sha1:${commits['v1.2.0']}`,
  },
  { name: 'a commit', ref: { commit: 'v1.0.0' }, revision: () => `sha1:${commits['v1.0.0']}` },
  {
    name: 'a commit on a branch',
    ref: { commit: 'v1.2.0', branch: 'feature/x' },
    revision: () => `feature/x@sha1:${commits['v1.2.0']}`,
  },
  {
    name: 'a tag before a range',
    ref: { tag: 'v1.0.0', semver: '*' },
    revision: () => `v1.0.0@sha1:${commits['v1.0.0']}`,
  },
  {
    name: 'a name before a tag',
    ref: { tag: 'v1.0.0', name: 'refs/tags/v1.2.0' },
    revision: () => `refs/tags/v1.2.0@sha1:${commits['v1.2.0']}`,
  },
];
test.each(cases)('$name, and nothing to do the second time', async ({ ref, revision }) => {
  const h = await newHarness();
  const resolved = ref?.['commit'] === undefined ? ref : { ...ref, commit: commits[ref['commit']] };
  await h.put({ url: `${server.url}/fleet.git`, ref: resolved });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(h.artifact().revision).toBe(revision());
  server.requests.length = 0;
  h.cluster.patches.length = 0;
  await h.reconcile();
  expect(h.cluster.patches).toEqual([]);
  expect(server.requests.length).toBeLessThanOrEqual(ref?.['commit'] === undefined ? 2 : 0);
});

test.each([
  [{ semver: '>=9' }, /no match found for semver: >=9/],
  [{ semver: 'nonsense!' }, /semver parse error: /],
  [{ name: '/refs/x' }, /ref \/refs\/x is invalid; Git refs cannot begin or end with a slash '\/'/],
  [{ name: 'refs/heads/nope' }, /unable to resolve ref 'refs\/heads\/nope' to a specific commit/],
  [{ tag: 'nope' }, /couldn't find remote ref "refs\/tags\/nope"/],
  [{ commit: 'abc' }, /commit 'abc' is not a full hash/],
  [undefined, /couldn't find remote ref "refs\/heads\/master"/],
  [{ branch: '*' }, /couldn't find remote ref "refs\/heads\/\*"/],
  [{ branch: 'main:refs/heads/other' }, /couldn't find remote ref "refs\/heads\/main:refs\/heads\/other"/],
  [{ tag: 'a b' }, /couldn't find remote ref "refs\/tags\/a b"/],
])('%j fails with the reason', async (ref, message) => {
  const h = await newHarness();
  await h.put({ url: `${server.url}/fleet.git`, ref });
  const error = await h.reconcile();
  if (ref === undefined) {
    expect(error).toMatchObject({ hint: 'Check spec.ref: the repository has the branches feature/x, main.' });
  }
  const { reason, message: told } = h.condition('FetchFailed') ?? {};
  expect(reason).toBe('GitOperationFailed');
  expect(told).toMatch(message);
});

test('equal versions are told apart by the time of their commits', async () => {
  const h = await newHarness();
  const own = createRepository(temp.dir, 'ties.git');
  const newer = own.commit({ text: 'b' }, { date: '2021-01-01T00:00:00Z' });
  own.git('tag', '1.0.0+0');
  own.commit({ text: 'a' }, { date: '2020-01-01T00:00:00Z' });
  own.git('tag', '1.0.0+a');
  own.git('push', '-q', 'origin', '--tags');
  await h.put({ url: `${server.url}/ties.git`, ref: { semver: '1.x' } });
  await h.reconcile();
  expect(h.artifact().revision).toBe(`1.0.0+0@sha1:${newer}`);
});

test('a branch that was rewritten is just a new revision; one that is gone keeps its artifact', async () => {
  const h = await newHarness();
  const own = createRepository(temp.dir, 'forced.git');
  own.commit({ a: '1' }, { branch: 'work' });
  own.commit({ a: '2' }, { branch: 'work' });
  await h.put({ url: `${server.url}/forced.git`, ref: { branch: 'work' } });
  await h.reconcile();
  own.git('reset', '-q', '--hard', 'HEAD~1');
  const forced = own.commit({ a: '3' }, { branch: 'work', force: true });
  await h.reconcile();
  expect(h.artifact().revision).toBe(`work@sha1:${forced}`);
  expect(await h.files()).toEqual({ a: '3' });
  own.git('push', '-q', 'origin', 'HEAD:refs/heads/other', '+:refs/heads/work');
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'False', reason: 'GitOperationFailed' });
  expect(h.artifact().revision).toBe(`work@sha1:${forced}`);
});

test('revisions of old are understood', () => {
  const hash = 'a'.repeat(40);
  expect(normaliseRevision(`feature/x/${hash}`)).toBe(`feature/x@sha1:${hash}`);
  expect(normaliseRevision(`HEAD/${hash}`)).toBe(`sha1:${hash}`);
  expect(normaliseRevision(`main@sha1:${hash}`)).toBe(`main@sha1:${hash}`);
  expect(formatRevision(undefined, hash)).toBe(`sha1:${hash}`);
  expect(gitTarget(undefined)).toEqual({ kind: 'ref', name: 'master', source: 'refs/heads/master' });
});

test('a repository of SHA-256, and one of SHA-1 in its place', async () => {
  const bare = join(temp.dir, 'long.git');
  const work = join(temp.dir, 'long');
  const make = (format: string) => {
    rmSync(bare, { recursive: true, force: true });
    rmSync(work, { recursive: true, force: true });
    runGit('/', ['init', '-q', '--bare', '-b', 'main', `--object-format=${format}`, bare]);
    runGit('/', ['init', '-q', '-b', 'main', `--object-format=${format}`, work]);
    writeFileSync(join(work, 'a.yaml'), `format: ${format}`);
    runGit(work, ['add', '-A']);
    runGit(work, ['commit', '-q', '-m', 'first']);
    runGit(work, ['push', '-q', bare, 'main']);
    return runGit(work, ['rev-parse', 'HEAD']);
  };
  const long = make('sha256');
  const h = await newHarness();
  await h.put({ url: `${server.url}/long.git` });
  await h.reconcile();
  expect(h.artifact().revision).toBe(`main@sha256:${long}`);
  h.cluster.patches.length = 0;
  await h.reconcile();
  expect(h.cluster.patches).toEqual([]);
  const short = make('sha1');
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(h.artifact().revision).toBe(`main@sha1:${short}`);
  expect(await h.files()).toEqual({ 'a.yaml': 'format: sha1' });
});
