import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, type TestRepository } from '../../../test/support/git-repository.ts';
import { createGitHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import { startArtifactServer } from '../source/artifact-server.ts';

const temp = makeTempDir();
let repository: TestRepository;
let server: GitHttpServer;
let h: SourceHarness;
let count = 0;

beforeAll(async () => {
  server = await startGitHttpServer({ root: temp.dir, credential: 'bob:s3cret' });
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});
beforeEach(async () => {
  count++;
  repository = createRepository(temp.dir, `fleet-${count}.git`);
  h = await createGitHarness(join(temp.dir, `h${count}`));
  await h.cluster.put(secretOf('auth', { username: 'bob', password: 's3cret' }));
  server.options.credential = 'bob:s3cret';
});

const put = (spec: Record<string, unknown> = {}) =>
  h.put({ url: `${server.url}/fleet-${count}.git`, secretRef: { name: 'auth' }, ...spec });

test('stores an artifact of the branch and says so', async () => {
  const commit = repository.commit({ 'deploy/app.yaml': 'a: 1\n', 'logo.png': 'x' }, { message: 'first' });
  await put();
  const outcome = await h.reconcile();
  expect(outcome).toMatchObject({ requeueAfterMs: expect.closeTo(60_000, -4) });
  expect(h.artifact()).toMatchObject({
    revision: `main@sha1:${commit}`,
    path: `gitrepository/${h.cluster.namespace}/fleet/${commit}.tar.gz`,
    url: `http://artifacts.local./gitrepository/${h.cluster.namespace}/fleet/${commit}.tar.gz`,
  });
  const bytes = readFileSync(h.store.fileOf(h.artifact()));
  expect(h.artifact().digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  expect(h.artifact().size).toBe(bytes.length);
  expect(await h.files()).toEqual({ 'deploy/app.yaml': 'a: 1\n' });
  expect(h.condition('Ready')).toMatchObject({
    status: 'True',
    reason: 'Succeeded',
    message: `stored artifact for revision 'main@sha1:${commit}'`,
  });
  expect(h.condition('Reconciling')).toBeUndefined();
  expect(h.status()['observedGeneration']).toBe(1);
  expect(h.cluster.recorded).toEqual(["Normal NewArtifact: stored artifact for commit 'first'"]);
});

test('an unchanged repository costs one listing and no patch', async () => {
  repository.commit({ a: '1' });
  await put();
  await h.reconcile();
  server.requests.length = 0;
  h.cluster.patches.length = 0;
  await h.reconcile();
  expect(server.requests.map(({ line }) => line.replace(/fleet-\d+/, 'fleet'))).toEqual([
    'GET /fleet.git/info/refs?service=git-upload-pack',
    'POST /fleet.git/git-upload-pack',
  ]);
  expect(h.cluster.patches).toEqual([]);
  expect(h.condition('Ready')?.status).toBe('True');
});

test('a new commit is a new artifact; the digest is the same for the same content', async () => {
  repository.commit({ a: '1' });
  await put();
  await h.reconcile();
  const first = h.artifact();
  const second = repository.commit({ a: '2' });
  await h.reconcile();
  expect(h.artifact().revision).toBe(`main@sha1:${second}`);
  expect(h.cluster.patches.some((patch) => JSON.stringify(patch).includes('NewRevision'))).toBe(true);
  repository.commit({ a: '1' }, { message: 'back' });
  await h.reconcile();
  expect(h.artifact().digest).toBe(first.digest);
  expect(h.condition('ArtifactOutdated')).toBeUndefined();
});

test('an artifact that is lost or damaged is made again, to the byte', async () => {
  repository.commit({ a: '1' });
  await put();
  await h.reconcile();
  const { digest } = h.artifact();
  rmSync(h.store.fileOf(h.artifact()));
  h.cluster.recorded.length = 0;
  await h.reconcile();
  expect(h.artifact().digest).toBe(digest);
  expect(h.cluster.recorded).toEqual([]);
  writeFileSync(h.store.fileOf(h.artifact()), 'tampered');
  await h.reconcile();
  expect(h.artifact().digest).toBe(digest);
  expect(h.cluster.recorded[0]).toMatch(
    /^Warning ArtifactVerificationFailed: failed to verify integrity of artifact: /,
  );
});

const faults = [
  {
    name: 'a missing branch',
    spec: { ref: { branch: 'nope' } },
    reason: 'GitOperationFailed',
    message:
      /^failed to checkout and determine revision: unable to clone: couldn't find remote ref "refs\/heads\/nope": git repository: 'http/,
  },
  {
    name: 'a missing repository',
    spec: { url: 'nope' },
    reason: 'GitOperationFailed',
    message: /^failed to checkout and determine revision: unable to clone 'http.*nope.git': .*not found/,
  },
  {
    name: 'a missing secret',
    spec: { secretRef: { name: 'nope' } },
    reason: 'AuthenticationFailed',
    message: /^failed to get secret 'team-\d+\/nope': secrets "nope" not found/,
  },
  {
    name: 'a wrong password',
    secret: { username: 'bob', password: 'wrong' },
    reason: 'GitOperationFailed',
    message: /unable to clone/,
  },
  {
    name: 'a password without user',
    secret: { password: 'wrong' },
    reason: 'AuthenticationFailed',
    message: /^failed to configure authentication options: /,
  },
];
test.each(faults)('$name is told in the condition, and retried', async ({ spec, secret, reason, message }) => {
  repository.commit({ a: '1' });
  await put(spec?.url === 'nope' ? { url: `${server.url}/nope.git` } : spec);
  if (secret !== undefined) await h.cluster.put(secretOf('auth', secret as Record<string, string>));
  expect(await h.reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
  expect(h.condition('Ready')).toMatchObject({ status: 'False', reason, message: expect.stringMatching(message) });
  expect(h.condition('FetchFailed')).toMatchObject({ status: 'True', reason });
  expect(h.condition('Reconciling')).toMatchObject({ status: 'True', reason: 'ProgressingWithRetry' });
  expect(h.status()['observedGeneration']).toBe(-1);
  expect(h.cluster.recorded.at(-1)).toMatch(new RegExp(`^Warning ${reason}: `));
  expect(JSON.stringify(h.status())).not.toMatch(/s3cret|wrong/);
});

test('an empty repository has a reason of its own', async () => {
  await put();
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ reason: 'EmptyGitRepository', message: 'git repository is empty' });
});

test('without an interval nothing looks again', async () => {
  repository.commit({ a: '1' });
  await put({ interval: '0s' });
  expect(await h.reconcile()).toEqual({});
  expect(h.condition('Ready')?.status).toBe('True');
});

test('a URL that is none stalls', async () => {
  await put({ url: 'https://' });
  expect(await h.reconcile()).toEqual({});
  expect(h.condition('Stalled')).toMatchObject({ status: 'True', reason: 'URLInvalid' });
  expect(h.condition('Ready')).toMatchObject({ status: 'False', reason: 'URLInvalid' });
  expect(h.status()['observedGeneration']).toBe(1);
});

test('the last artifact is kept and served while fetching fails, and recovery is told', async () => {
  repository.commit({ a: '1' });
  await put();
  await h.reconcile();
  const kept = h.artifact();
  server.options.credential = 'bob:other';
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'False', reason: 'GitOperationFailed' });
  expect(h.artifact()).toEqual(kept);
  const http = await startArtifactServer({ root: h.store.root, host: '127.0.0.1', port: 0 });
  const response = await fetch(`http://127.0.0.1:${http.port}/${kept.path}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(kept.digest);
  await http.close();
  server.options.credential = 'bob:s3cret';
  h.cluster.recorded.length = 0;
  await h.reconcile();
  expect(h.condition('Ready')?.status).toBe('True');
  expect(h.condition('FetchFailed')).toBeUndefined();
  expect(h.cluster.recorded.some((line) => line.startsWith('Normal Succeeded: stored artifact'))).toBe(true);
});

test('a request is answered in the last patch; a suspended object answers it and rests', async () => {
  repository.commit({ a: '1' });
  await put();
  await h.reconcile();
  h.cluster.patches.length = 0;
  await h.cluster.annotate('GitRepository', 'fleet', { 'reconcile.fluxcd.io/requestedAt': 'now' });
  await h.reconcile();
  expect(h.cluster.patches).toHaveLength(2);
  expect(h.cluster.patches[0]).not.toHaveProperty('lastHandledReconcileAt');
  expect(h.cluster.patches[1]).toMatchObject({ lastHandledReconcileAt: 'now' });
  await h.edit({ suspend: true });
  await h.cluster.annotate('GitRepository', 'fleet', { 'reconcile.fluxcd.io/requestedAt': 'later' });
  expect(await h.reconcile()).toEqual({});
  expect(h.status()).toMatchObject({ lastHandledReconcileAt: 'later', observedGeneration: 1 });
});

test('deletion removes files and finalizer', async () => {
  repository.commit({ a: '1' });
  await put();
  await h.reconcile();
  const file = h.store.fileOf(h.artifact());
  expect(h.cluster.get('GitRepository', 'fleet').metadata.finalizers).toEqual(['finalizers.fluxcd.io']);
  await h.cluster.delete('GitRepository', 'fleet');
  await h.reconcile();
  expect(existsSync(file)).toBe(false);
  expect(() => h.cluster.get('GitRepository', 'fleet')).toThrow(/does not exist/);
  expect(existsSync(join(temp.dir, `h${count}`, 'mirrors', h.cluster.namespace, 'fleet'))).toBe(false);
});

test('superseded artifacts go after their time', async () => {
  repository.commit({ a: '1' });
  await put();
  await h.reconcile();
  const old = h.store.fileOf(h.artifact());
  repository.commit({ a: '2' });
  await h.reconcile();
  await h.reconcile();
  expect(existsSync(old)).toBe(true);
  h.clock.skip(120_000);
  await h.reconcile();
  expect(existsSync(old)).toBe(false);
  expect(existsSync(h.store.fileOf(h.artifact()))).toBe(true);
});
