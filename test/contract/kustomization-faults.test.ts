import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newLifetime, sleep } from '../../src/base/deadline.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../src/kube/api-client.ts';
import type { KubeConfig } from '../../src/kube/config.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { type SandboxKubernetes, startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import { type Delivery, configMapFile as map, startDelivery } from '../support/delivery.ts';
import { type Fault, type FaultyApi, type SeenCall, startFaultyApi, statusAnswer } from '../support/faulty-api.ts';

const { signal } = newLifetime();
let dir: string;
let kubernetes: SandboxKubernetes;
let config: KubeConfig;
let direct: ConnectedKubeClient;
let api: FaultyApi;
let client: ConnectedKubeClient;
let delivery: Delivery;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-ks-faults-'));
  kubernetes = await startKubernetes({ dataDir: dir });
  config = await parseKubeConfig(kubernetes.kubeconfig(), { where: 'sandbox' });
  direct = createKubeClient(config);
});
afterAll(async () => {
  await direct.close();
  await kubernetes.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  api = await startFaultyApi(config);
  client = createKubeClient(api.config, { requestTimeoutMs: 1_000, watchSeconds: 5 });
  delivery = await startDelivery({ client: direct, controllerClient: client });
  await delivery.commit('git', 'main@sha1:1', { 'a.yaml': map('a', { k: '1' }), 'b.yaml': map('b', { k: '1' }) });
  await delivery.create('app');
  await delivery.until('app', 'ReconciliationSucceeded');
});
afterEach(async () => {
  api.fault = undefined;
  await delivery.close();
  await client.close();
  await api.close();
});

const isWrite = ({ method }: SeenCall) => method !== 'GET';
const isOf = (resource: string) => (call: SeenCall) => new RegExp(`/${resource}(?:/|\\?|$)`).test(call.url);
const idsOf = async () => (await delivery.get('app'))?.status?.inventory?.entries.map(({ id }) => id).sort();
const entry = (name: string) => `${delivery.namespace}_${name}__ConfigMap`;

/** The next revision: `a` changes, `b` goes, `c` is new. */
const second = () => delivery.commit('git', 'main@sha1:2', { 'a.yaml': map('a', { k: '2' }), 'c.yaml': map('c', {}) });

async function expectSecond(): Promise<void> {
  await delivery.until('app', 'ReconciliationSucceeded', /main@sha1:2/);
  expect((await delivery.configMap('a'))?.['data']).toEqual({ k: '2' });
  expect(await delivery.configMap('b')).toBeUndefined();
  expect(await idsOf()).toEqual([entry('a'), entry('c')]);
}

const broken: { name: string; fault: (call: SeenCall) => Fault | undefined; reason: string; message: RegExp }[] = [
  {
    name: '500',
    fault: (call) => (isOf('configmaps')(call) ? statusAnswer(500, 'InternalError', 'etcd is ill') : undefined),
    reason: 'ReconciliationFailed',
    message: /dry-run failed \(InternalError\): etcd is ill/,
  },
  {
    name: '429 without a time',
    fault: (call) => (isOf('configmaps')(call) ? statusAnswer(429, 'TooManyRequests', 'too many requests') : undefined),
    reason: 'ReconciliationFailed',
    message: /dry-run failed \(TooManyRequests\)/,
  },
  {
    name: '409',
    fault: (call) =>
      isOf('configmaps')(call) && isWrite(call)
        ? statusAnswer(409, 'Conflict', 'the object has been modified; please apply your changes to the latest version')
        : undefined,
    reason: 'ReconciliationFailed',
    message: /dry-run failed \(Conflict\): the object has been modified/,
  },
  {
    name: '503 of a load balancer',
    fault: (call) =>
      isOf('configmaps')(call) ? { kind: 'answer', status: 503, body: '<html>busy</html>' } : undefined,
    reason: 'ReconciliationFailed',
    message: /503 <html>busy/,
  },
  {
    name: 'a closed connection',
    fault: (call) => (isOf('configmaps')(call) ? { kind: 'drop' } : undefined),
    reason: 'ReconciliationFailed',
    message: /dry-run failed/,
  },
  {
    name: 'silence',
    fault: (call) => (isOf('configmaps')(call) ? { kind: 'delay', ms: 3_000 } : undefined),
    reason: 'ReconciliationFailed',
    message: /did not finish within 1000 ms/,
  },
  {
    name: 'a webhook that denies',
    fault: (call) =>
      isOf('configmaps')(call) && isWrite(call)
        ? statusAnswer(403, 'Forbidden', 'admission webhook "policy.example" denied the request: no')
        : undefined,
    reason: 'ReconciliationFailed',
    message: /dry-run failed \(Forbidden\): admission webhook "policy.example" denied the request: no/,
  },
];
describe.each(broken)('the API answers with $name', ({ fault, reason, message }) => {
  test('says so, prunes nothing, raises no storm, and converges when it has passed', async () => {
    await delivery.edit('app', { retryInterval: '2s' });
    await delivery.until('app', 'ReconciliationSucceeded');
    api.fault = fault;
    const before = api.seen.length;
    await second();
    await delivery.until('app', reason, message);
    await sleep(1_500);
    expect(await delivery.configMap('b')).toBeDefined();
    // While a run is under way, what it intends to apply is there too.
    expect(await idsOf()).toEqual(expect.arrayContaining([entry('a'), entry('b')]));
    expect(api.seen.slice(before).filter(isOf('configmaps')).length).toBeLessThan(40);
    api.fault = undefined;
    await expectSecond();
  });
});

test('429 with a time is waited out without a failure', async () => {
  let refused = 0;
  api.fault = (call) => {
    if (!isOf('configmaps')(call) || refused >= 3) return undefined;
    refused++;
    return { kind: 'answer', status: 429, headers: { 'retry-after': '0' }, body: {} };
  };
  await second();
  await expectSecond();
  expect(refused).toBe(3);
  expect(delivery.events.filter((event) => event.includes('Warning'))).toEqual([]);
});

test('the API is away altogether: nothing is lost, and the end comes soon after it is back', async () => {
  api.fault = () => ({ kind: 'drop' });
  await second();
  await sleep(2_500);
  expect(api.seen.length).toBeLessThan(400);
  api.fault = undefined;
  await expectSecond();
});

test('every answer takes its time', async () => {
  api.fault = () => ({ kind: 'delay', ms: 100 });
  await second();
  await expectSecond();
});

test('the watches are cut all the time', async () => {
  const cutter = setInterval(() => api.cutWatches(), 200);
  for (let i = 2; i <= 8; i++) {
    await delivery.commit('git', `main@sha1:${i}`, { 'a.yaml': map('a', { k: String(i) }) });
    await sleep(150);
  }
  await delivery.until('app', 'ReconciliationSucceeded', /main@sha1:8/);
  clearInterval(cutter);
  expect((await delivery.configMap('a'))?.['data']).toEqual({ k: '8' });
});

test('the history of the watches is gone', async () => {
  api.fault = (call) => (call.isWatch ? { kind: 'drop' } : undefined);
  api.cutWatches();
  await second();
  kubernetes.compact();
  api.fault = undefined;
  await expectSecond();
});

test('an apply whose answer is lost is kept track of', async () => {
  api.fault = (call) =>
    call.method === 'PATCH' && /configmaps\/c\?/.test(call.url) && !call.url.includes('dryRun')
      ? { kind: 'drop', after: true }
      : undefined;
  await second();
  await delivery.until('app', 'ReconciliationFailed', /ConfigMap\/.*\/c apply failed/);
  expect(await delivery.configMap('c')).toBeDefined();
  expect(await idsOf()).toEqual([entry('a'), entry('b'), entry('c')]);
  api.fault = undefined;
  await expectSecond();
});

test('the status cannot be written after the apply: the next run still knows what was applied', async () => {
  let isApplied = false;
  api.fault = (call) => {
    if (call.method === 'PATCH' && /configmaps\/c\?/.test(call.url) && !call.url.includes('dryRun')) isApplied = true;
    return isApplied && isOf('kustomizations')(call) && isWrite(call) ? { kind: 'drop' } : undefined;
  };
  await second();
  await expect.poll(() => delivery.configMap('c'), { timeout: 10_000 }).toBeDefined();
  expect(await idsOf()).toEqual([entry('a'), entry('b'), entry('c')]);
  // A third revision without it, before any success was recorded.
  await delivery.commit('git', 'main@sha1:3', { 'a.yaml': map('a', { k: '3' }) });
  api.fault = undefined;
  await delivery.until('app', 'ReconciliationSucceeded', /main@sha1:3/);
  await expect.poll(() => delivery.configMap('c')).toBeUndefined();
  expect(await idsOf()).toEqual([entry('a')]);
});

test('what cannot be deleted stays in the inventory until it can', async () => {
  await delivery.edit('app', { retryInterval: '1s' });
  api.fault = (call) => (call.method === 'DELETE' ? statusAnswer(403, 'Forbidden', 'deletion is denied') : undefined);
  await second();
  await delivery.until(
    'app',
    'PruneFailed',
    /delete failed, errors: ConfigMap\/.*\/b delete failed: deletion is denied;/,
  );
  expect(await idsOf()).toEqual([entry('a'), entry('b'), entry('c')]);
  api.fault = undefined;
  await expectSecond();
});

test('a source that cannot be read prunes nothing', async () => {
  api.fault = (call) =>
    isOf('gitrepositories')(call) && !call.isWatch ? statusAnswer(500, 'InternalError', 'x') : undefined;
  await second();
  await delivery.until('app', 'ReconciliationFailed');
  expect(await delivery.configMap('b')).toBeDefined();
  api.fault = undefined;
  await expectSecond();
});

describe('the cluster itself refuses', () => {
  test('a kind without a definition', async () => {
    const group = `${delivery.namespace}.dev`;
    const widget = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'w' } };
    await delivery.edit('app', { retryInterval: '1s' });
    await delivery.commit('git', 'main@sha1:2', { 'a.yaml': map('a', { k: '2' }), 'w.yaml': JSON.stringify(widget) });
    await delivery.until(
      'app',
      'ReconciliationFailed',
      /no matches for kind "Widget" in version ".*" \(from w\.yaml:1\)/,
    );
    expect((await delivery.configMap('a'))?.['data']).toEqual({ k: '1' });
    expect(await delivery.configMap('b')).toBeDefined();
    const names = { kind: 'Widget', listKind: 'WidgetList', plural: 'widgets', singular: 'widget' };
    const schema = { openAPIV3Schema: { type: 'object' } };
    const spec = { group, scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema }] };
    const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
    await direct.create({ ...definition, metadata: { name: `widgets.${group}` }, spec }, { signal });
    await delivery.until('app', 'ReconciliationSucceeded', /main@sha1:2/);
    // Its definition goes, and the object with it: that is as good as pruned.
    await direct.delete({ ...definition, name: `widgets.${group}` }, { signal });
    await delivery.commit('git', 'main@sha1:3', { 'a.yaml': map('a', { k: '3' }) });
    await delivery.until('app', 'ReconciliationSucceeded', /main@sha1:3/);
    expect(await idsOf()).toEqual([entry('a')]);
  });

  test('a quota that is used up', async () => {
    const { namespace } = delivery;
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'small', namespace } };
    await direct.create({ ...quota, spec: { hard: { 'count/secrets': '0' } } }, { signal });
    await delivery.edit('app', { retryInterval: '1s' });
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } };
    await delivery.commit('git', 'main@sha1:2', { 'a.yaml': map('a', { k: '2' }), 's.yaml': JSON.stringify(secret) });
    await delivery.until('app', 'ReconciliationFailed', /exceeded quota: small/);
    expect(await delivery.configMap('b')).toBeDefined();
    await direct.delete({ apiVersion: 'v1', kind: 'ResourceQuota', name: 'small', namespace }, { signal });
    await delivery.until('app', 'ReconciliationSucceeded', /main@sha1:2/);
    expect(await delivery.configMap('b')).toBeUndefined();
  });

  test('a namespace that is being deleted', async () => {
    const name = `${delivery.namespace}-ending`;
    const ref = { apiVersion: 'v1', kind: 'Namespace', name };
    await direct.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal });
    const guard = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'guard', namespace: name, finalizers: ['x.dev/hold'] },
    };
    await direct.create(guard, { signal });
    await direct.delete(ref, { signal });
    await delivery.edit('app', { retryInterval: '1s', targetNamespace: name });
    await delivery.until('app', 'ReconciliationFailed', /is being terminated/);
    expect(await delivery.configMap('b')).toBeDefined();
    const release = { metadata: { finalizers: null } };
    await direct.patch({ apiVersion: 'v1', kind: 'ConfigMap', namespace: name, name: 'guard' }, 'merge', release, {
      signal,
    });
    await expect.poll(() => direct.get(ref, { signal }), { timeout: 10_000 }).toBeUndefined();
    await delivery.until('app', 'ReconciliationFailed', /namespaces ".*" not found/);
    await direct.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal });
    await delivery.until('app', 'ReconciliationSucceeded');
    expect(await delivery.configMap('b')).toBeUndefined();
  });
});
