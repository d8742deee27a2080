import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, type TestRepository } from '../../../test/support/git-repository.ts';
import { createMemoryCluster, type MemoryCluster, secretOf } from '../../../test/support/memory-cluster.ts';
import type { Artifact } from '../../api/artifact.ts';
import { silentLogger } from '../../base/logger.ts';
import { createGit } from '../../git/program.ts';
import type { Outcome } from '../../runtime/controller.ts';
import { readArchiveFiles } from '../source/archive-reader.ts';
import { startArtifactServer } from '../source/artifact-server.ts';
import { type ArtifactStore, createArtifactStore } from '../source/artifact-store.ts';
import { createGitRepositoryController } from './controller.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
let repository: TestRepository;
let server: GitHttpServer;
let cluster: MemoryCluster;
let store: ArtifactStore;
let now = Date.now();
let count = 0;

beforeAll(async () => {
  server = await startGitHttpServer({ root: temp.dir, credential: 'bob:s3cret' });
});
afterAll(async () => {
  await server?.close();
  temp.remove();
});
beforeEach(() => {
  count++;
  repository = createRepository(temp.dir, `fleet-${count}.git`);
  cluster = createMemoryCluster();
  cluster.put(secretOf('auth', { username: 'bob', password: 's3cret' }));
  const clock = { now: () => now };
  store = createArtifactStore({ root: join(temp.dir, `store-${count}`), advertisedHost: 'artifacts.local.', clock });
  server.options.credential = 'bob:s3cret';
});

function put(spec: Record<string, unknown> = {}, name = 'fleet'): void {
  cluster.put({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name },
    spec: {
      url: `${server.url}/fleet-${count}.git`,
      interval: '1m',
      timeout: '60s',
      ref: { branch: 'main' },
      secretRef: { name: 'auth' },
      ...spec,
    },
    status: { observedGeneration: -1 },
  });
}

async function reconcile(name = 'fleet'): Promise<Outcome | Error> {
  const controller = createGitRepositoryController({
    client: cluster.client,
    events: cluster.events,
    store,
    git,
    mirrorsDir: join(temp.dir, `mirrors-${count}`),
  });
  const context = { signal, superseded: signal, logger: silentLogger };
  return controller.reconcile({ namespace: 'flux-system', name }, context).catch((error: Error) => error);
}

const status = (name = 'fleet') => cluster.get('GitRepository', name).status;
const artifact = () => status()['artifact'] as Artifact;
const condition = (type: string) => cluster.condition('GitRepository', 'fleet', type);
const files = async () => {
  const found = await readArchiveFiles(store.fileOf(artifact()), { signal });
  return Object.fromEntries([...found].map(([path, data]) => [path, data.toString()]));
};

test('stores an artifact of the branch and says so', async () => {
  const commit = repository.commit({ 'deploy/app.yaml': 'a: 1\n', 'logo.png': 'x' }, { message: 'first' });
  put();
  const outcome = await reconcile();
  expect(outcome).toMatchObject({ requeueAfterMs: expect.closeTo(60_000, -4) });
  expect(artifact()).toMatchObject({
    revision: `main@sha1:${commit}`,
    path: `gitrepository/flux-system/fleet/${commit}.tar.gz`,
    url: `http://artifacts.local./gitrepository/flux-system/fleet/${commit}.tar.gz`,
  });
  const bytes = readFileSync(store.fileOf(artifact()));
  expect(artifact().digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  expect(artifact().size).toBe(bytes.length);
  expect(await files()).toEqual({ 'deploy/app.yaml': 'a: 1\n' });
  expect(condition('Ready')).toMatchObject({
    status: 'True',
    reason: 'Succeeded',
    message: `stored artifact for revision 'main@sha1:${commit}'`,
  });
  expect(condition('Reconciling')).toBeUndefined();
  expect(status()['observedGeneration']).toBe(1);
  expect(cluster.recorded).toEqual(["Normal NewArtifact: stored artifact for commit 'first'"]);
});

test('an unchanged repository costs one listing and no patch', async () => {
  repository.commit({ a: '1' });
  put();
  await reconcile();
  server.requests.length = 0;
  cluster.patches.length = 0;
  await reconcile();
  expect(server.requests.map(({ line }) => line.replace(/fleet-\d+/, 'fleet'))).toEqual([
    'GET /fleet.git/info/refs?service=git-upload-pack',
    'POST /fleet.git/git-upload-pack',
  ]);
  expect(cluster.patches).toEqual([]);
  expect(condition('Ready')?.status).toBe('True');
});

test('a new commit is a new artifact; the digest is the same for the same content', async () => {
  repository.commit({ a: '1' });
  put();
  await reconcile();
  const first = artifact();
  const second = repository.commit({ a: '2' });
  await reconcile();
  expect(artifact().revision).toBe(`main@sha1:${second}`);
  expect(cluster.patches.some((patch) => JSON.stringify(patch).includes('NewRevision'))).toBe(true);
  repository.commit({ a: '1' }, { message: 'back' });
  await reconcile();
  expect(artifact().digest).toBe(first.digest);
  expect(condition('ArtifactOutdated')).toBeUndefined();
});

test('an artifact that is lost or damaged is made again, to the byte', async () => {
  repository.commit({ a: '1' });
  put();
  await reconcile();
  const { digest } = artifact();
  rmSync(store.fileOf(artifact()));
  cluster.recorded.length = 0;
  await reconcile();
  expect(artifact().digest).toBe(digest);
  expect(cluster.recorded).toEqual([]);
  writeFileSync(store.fileOf(artifact()), 'tampered');
  await reconcile();
  expect(artifact().digest).toBe(digest);
  expect(cluster.recorded[0]).toMatch(/^Warning ArtifactVerificationFailed: failed to verify integrity of artifact: /);
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
    message: /^failed to get secret 'flux-system\/nope': secrets "nope" not found/,
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
  put(spec?.url === 'nope' ? { url: `${server.url}/nope.git` } : spec);
  if (secret !== undefined) cluster.put(secretOf('auth', secret as Record<string, string>));
  expect(await reconcile()).toMatchObject({ code: 'SOURCE_FAILED' });
  expect(condition('Ready')).toMatchObject({ status: 'False', reason, message: expect.stringMatching(message) });
  expect(condition('FetchFailed')).toMatchObject({ status: 'True', reason });
  expect(condition('Reconciling')).toMatchObject({ status: 'True', reason: 'ProgressingWithRetry' });
  expect(status()['observedGeneration']).toBe(-1);
  expect(cluster.recorded.at(-1)).toMatch(new RegExp(`^Warning ${reason}: `));
  expect(JSON.stringify(status())).not.toMatch(/s3cret|wrong/);
});

test('an empty repository has a reason of its own', async () => {
  put();
  await reconcile();
  expect(condition('Ready')).toMatchObject({ reason: 'EmptyGitRepository', message: 'git repository is empty' });
});

test('a URL that is none stalls', async () => {
  put({ url: 'https://' });
  expect(await reconcile()).toEqual({});
  expect(condition('Stalled')).toMatchObject({ status: 'True', reason: 'URLInvalid' });
  expect(condition('Ready')).toMatchObject({ status: 'False', reason: 'URLInvalid' });
  expect(status()['observedGeneration']).toBe(1);
});

test('the last artifact is kept and served while fetching fails, and recovery is told', async () => {
  repository.commit({ a: '1' });
  put();
  await reconcile();
  const kept = artifact();
  server.options.credential = 'bob:other';
  await reconcile();
  expect(condition('Ready')).toMatchObject({ status: 'False', reason: 'GitOperationFailed' });
  expect(artifact()).toEqual(kept);
  const http = await startArtifactServer({ root: store.root, host: '127.0.0.1', port: 0 });
  const response = await fetch(`http://127.0.0.1:${http.port}/${kept.path}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(kept.digest);
  await http.close();
  server.options.credential = 'bob:s3cret';
  cluster.recorded.length = 0;
  await reconcile();
  expect(condition('Ready')?.status).toBe('True');
  expect(condition('FetchFailed')).toBeUndefined();
  expect(cluster.recorded.some((line) => line.startsWith('Normal Succeeded: stored artifact'))).toBe(true);
});

test('a request is answered in the last patch; a suspended object answers it and rests', async () => {
  repository.commit({ a: '1' });
  put();
  await reconcile();
  cluster.patches.length = 0;
  cluster.annotate('GitRepository', 'fleet', { 'reconcile.fluxcd.io/requestedAt': 'now' });
  await reconcile();
  expect(cluster.patches).toHaveLength(2);
  expect(cluster.patches[0]).not.toHaveProperty('lastHandledReconcileAt');
  expect(cluster.patches[1]).toMatchObject({ lastHandledReconcileAt: 'now' });
  cluster.edit('GitRepository', 'fleet', { suspend: true });
  cluster.annotate('GitRepository', 'fleet', { 'reconcile.fluxcd.io/requestedAt': 'later' });
  expect(await reconcile()).toEqual({});
  expect(status()).toMatchObject({ lastHandledReconcileAt: 'later', observedGeneration: 1 });
});

test('deletion removes files and finalizer', async () => {
  repository.commit({ a: '1' });
  put();
  await reconcile();
  const file = store.fileOf(artifact());
  expect(cluster.get('GitRepository', 'fleet').metadata.finalizers).toEqual(['finalizers.fluxcd.io']);
  cluster.delete('GitRepository', 'fleet');
  await reconcile();
  expect(existsSync(file)).toBe(false);
  expect(() => cluster.get('GitRepository', 'fleet')).toThrow(/does not exist/);
  expect(existsSync(join(temp.dir, `mirrors-${count}`, 'flux-system/fleet'))).toBe(false);
});

test('superseded artifacts go after their time', async () => {
  repository.commit({ a: '1' });
  put();
  await reconcile();
  const old = store.fileOf(artifact());
  repository.commit({ a: '2' });
  await reconcile();
  await reconcile();
  expect(existsSync(old)).toBe(true);
  now += 120_000;
  await reconcile();
  expect(existsSync(old)).toBe(false);
  expect(existsSync(store.fileOf(artifact()))).toBe(true);
});
