import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newLifetime, sleep } from '../../src/base/deadline.ts';
import { createArtifactCache, type OpenArtifact } from '../../src/controllers/kustomization/artifact-cache.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../src/kube/api-client.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { memoryFileSystem } from '../../src/kustomize/file-system.ts';
import { requestedAtAnnotation } from '../../src/runtime/request.ts';
import { type SandboxKubernetes, startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import { type Delivery, configMapFile as map, startDelivery } from '../support/delivery.ts';

const { signal } = newLifetime();
const options = { signal, fieldManager: 'test' };
let dir: string;
let kubernetes: SandboxKubernetes;
let client: ConnectedKubeClient;
let delivery: Delivery;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-ks-many-'));
  kubernetes = await startKubernetes({ dataDir: dir });
  client = createKubeClient(await parseKubeConfig(kubernetes.kubeconfig(), { where: 'sandbox' }));
});
afterAll(async () => {
  await client.close();
  await kubernetes.close();
  await rm(dir, { recursive: true, force: true });
});
afterEach(() => delivery.close());

const names = (count: number) => Array.from({ length: count }, (_, i) => `app-${i}`);

async function start(openArtifact: OpenArtifact, concurrency: number): Promise<void> {
  delivery = await startDelivery({ client, deps: { openArtifact, concurrency } });
}

async function readyAt(revision: string): Promise<number> {
  const { namespace } = delivery;
  const kind = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' };
  const { items } = await client.list(kind, { namespace, signal });
  return items.filter((item) => JSON.stringify(item['status'] ?? '').includes(`"lastAppliedRevision":"${revision}"`))
    .length;
}

test('300 of one repository share one artifact, and each new one', { timeout: 240_000 }, async () => {
  const apps = names(300);
  const unpacked: string[] = [];
  const files = memoryFileSystem(Object.fromEntries(apps.map((app) => [`${app}/a.yaml`, map(app, {})])));
  const open = createArtifactCache(async ({ revision }) => {
    unpacked.push(revision);
    return { files, bytes: 1 };
  });
  await start(open, 4);
  await delivery.commit('git', 'main@sha1:1', {});
  for (const app of apps) await delivery.create(app, { path: app });
  await expect.poll(() => readyAt('main@sha1:1'), { timeout: 110_000, interval: 500 }).toBe(300);
  await delivery.commit('git', 'main@sha1:2', {});
  await expect.poll(() => readyAt('main@sha1:2'), { timeout: 110_000, interval: 500 }).toBe(300);
  expect(unpacked).toEqual(['main@sha1:1', 'main@sha1:2']);
});

test('slow and failing ones hold nobody up', { timeout: 60_000 }, async () => {
  const opened: string[] = [];
  const open: OpenArtifact = async ({ revision }, ended) => {
    opened.push(revision);
    // Until the controller ends.
    if (revision === 'slow') await sleep(10 * 60_000, ended);
    return memoryFileSystem({ 'a.yaml': revision === 'bad' ? 'no: manifest' : map('free', {}) });
  };
  await start(open, 1);
  for (const source of ['slow', 'bad', 'free']) await delivery.commit(source, source, {});
  const of = (source: string) => ({ sourceRef: { kind: 'GitRepository', name: source } });
  for (const name of ['slow-1', 'slow-2']) await delivery.create(name, of('slow'));
  for (const name of ['bad-1', 'bad-2']) await delivery.create(name, { ...of('bad'), retryInterval: '1s' });
  await expect.poll(() => opened, { timeout: 15_000 }).toContain('slow');
  await delivery.create('free', of('free'));
  await delivery.until('free', 'ReconciliationSucceeded', /Applied/, 30_000);
  await delivery.until('bad-1', 'BuildFailed', /a\.yaml/);
  expect((await delivery.condition('slow-1'))?.reason).toBe('Progressing');
});

test('what a person asks for goes first', { timeout: 60_000 }, async () => {
  const apps = names(30);
  const order: string[] = [];
  const open: OpenArtifact = async ({ revision }, ended) => {
    order.push(revision);
    await sleep(100, ended);
    return memoryFileSystem({ 'a.yaml': map('one', {}) });
  };
  await start(open, 1);
  for (const app of apps) await delivery.commit(app, app, {});
  for (const app of apps) await delivery.create(app, { sourceRef: { kind: 'GitRepository', name: app } });
  const { namespace } = delivery;
  const last = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization', namespace, name: 'app-29' };
  const annotations = { [requestedAtAnnotation]: 'now' };
  await client.patch(last, 'merge', { metadata: { annotations } }, options);
  await expect.poll(() => order.length, { timeout: 40_000 }).toBeGreaterThanOrEqual(30);
  expect(order.indexOf('app-29')).toBeLessThan(order.indexOf('app-28'));
  expect((await delivery.get('app-29'))?.status?.lastHandledReconcileAt).toBe('now');
});
