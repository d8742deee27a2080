import { afterEach, beforeEach, expect, test } from 'vitest';
import { type KubeApiDouble, reply, startKubeApiDouble, status } from '../../test/support/kube-api.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { silentLogger } from '../base/logger.ts';
import { type ConnectedKubeClient, createKubeClient } from '../kube/api-client.ts';
import { refuseLiveCounterparts } from './counterpart.ts';
import { type Lease, runWhileLeading } from './leader-election.ts';

let api: KubeApiDouble;
let client: ConnectedKubeClient;
let lease: Lease | undefined;
let version: number;
let down: boolean;

const leaseResources = { resources: [{ name: 'leases', kind: 'Lease', namespaced: true, verbs: [] }] };
const appsResources = { resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true, verbs: [] }] };
let deployments: KubeObject[];

beforeEach(async () => {
  [lease, version, down, deployments] = [undefined, 1, false, []];
  api = await startKubeApiDouble();
  client = createKubeClient(api.config);
  api.intercept = ({ method, path, body }, response) => {
    if (down) return reply(response, 500, status(500, 'InternalError', 'down'));
    if (path === '/apis/coordination.k8s.io/v1') return reply(response, 200, leaseResources);
    if (path === '/apis/apps/v1') return reply(response, 200, appsResources);
    if (path === '/apis/apps/v1/deployments') return reply(response, 200, { metadata: {}, items: deployments });
    if (path.endsWith('/leases') && method === 'GET') {
      return reply(response, 200, { metadata: {}, items: lease === undefined ? [] : [lease] });
    }
    if (method === 'GET') {
      return lease === undefined
        ? reply(response, 404, { ...status(404, 'NotFound', 'no'), details: { name: 'millrace' } })
        : reply(response, 200, lease);
    }
    const written = body as Lease;
    if (lease !== undefined && written.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      return reply(response, 409, status(409, 'Conflict', 'changed'));
    }
    lease = { ...written, metadata: { ...written.metadata, resourceVersion: `${version++}` } };
    return reply(response, 200, lease);
  };
});
afterEach(async () => {
  await client.close();
  await api.stop();
});

const stand = (identity: string, signal: AbortSignal, log: string[]) =>
  runWhileLeading(
    {
      client,
      namespace: 'flux-system',
      name: 'millrace',
      identity,
      logger: silentLogger,
      leaseMs: 20_000,
      renewDeadlineMs: 500,
      retryMs: 20,
    },
    signal,
    async (term) => {
      log.push(`${identity} begins`);
      await new Promise((resolve) => term.addEventListener('abort', resolve));
      log.push(`${identity} ends`);
    },
  );

test('one leads; the other takes over at once when it hands over', async () => {
  const log: string[] = [];
  const [first, second] = [new AbortController(), new AbortController()];
  const a = stand('a', first.signal, log);
  await expect.poll(() => log).toEqual(['a begins']);
  const b = stand('b', second.signal, log);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(log).toEqual(['a begins']);
  first.abort();
  expect(await a).toBe('ended');
  await expect.poll(() => log, { timeout: 10_000 }).toEqual(['a begins', 'a ends', 'b begins']);
  expect(lease?.spec?.leaseTransitions).toBe(1);
  second.abort();
  await b;
  expect(lease?.spec?.holderIdentity).toBe('');
});

test('a leader that vanished is followed when its time is up', async () => {
  const log: string[] = [];
  lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'millrace', namespace: 'flux-system', resourceVersion: '0' },
    spec: { holderIdentity: 'dead', leaseDurationSeconds: 1, renewTime: '2099-01-01T00:00:00.000000Z' },
  };
  const stop = new AbortController();
  const b = stand('b', stop.signal, log);
  await expect.poll(() => log, { timeout: 10_000 }).toEqual(['b begins']);
  stop.abort();
  await b;
});

test('a leader that cannot renew stops', async () => {
  const log: string[] = [];
  const a = stand('a', new AbortController().signal, log);
  await expect.poll(() => log).toEqual(['a begins']);
  down = true;
  expect(await a).toBe('lost');
  expect(log).toEqual(['a begins', 'a ends']);
});

test('the Lease is held while the work of an ending leader goes on, and given back afterwards', async () => {
  const stop = new AbortController();
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const options = { client, namespace: 'flux-system', name: 'millrace', identity: 'a', logger: silentLogger };
  const ended = runWhileLeading(
    { ...options, leaseMs: 20_000, renewDeadlineMs: 500, retryMs: 20 },
    stop.signal,
    () => finished,
  );
  await expect.poll(() => lease?.spec?.holderIdentity).toBe('a');
  stop.abort();
  const before = version;
  await expect.poll(() => version).toBeGreaterThan(before + 2);
  expect(lease?.spec?.holderIdentity).toBe('a');
  finish();
  expect(await ended).toBe('ended');
  expect(lease?.spec?.holderIdentity).toBe('');
});

const refuse = () =>
  refuseLiveCounterparts({
    client,
    controllers: ['source-controller', 'kustomize-controller'],
    logger: silentLogger,
    signal: new AbortController().signal,
    clock: { now: () => Date.parse('2026-01-01T00:00:30Z') },
  });

test('a live Deployment of Flux is not joined, one scaled to zero is no hindrance', async () => {
  const metadata = { name: 'kustomize-controller', namespace: 'flux-system' };
  deployments = [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata, status: { readyReplicas: 1 } }];
  await expect(refuse()).rejects.toMatchObject({
    code: 'FLUX_IS_ALIVE',
    message: 'Flux already runs kustomize-controller: Deployment/flux-system/kustomize-controller',
  });
  deployments = [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata, status: {} }];
  await refuse();
});

test('nor is a leader whose Lease is fresh', async () => {
  const metadata = { name: 'source-controller-leader-election', namespace: 'flux-system' };
  const spec = { holderIdentity: 'source-controller-1', leaseDurationSeconds: 35 };
  const base = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata };
  lease = { ...base, spec: { ...spec, renewTime: '2026-01-01T00:00:10.000000Z' } };
  await expect(refuse()).rejects.toMatchObject({ code: 'FLUX_IS_ALIVE' });
  lease = { ...base, spec: { ...spec, renewTime: '2025-12-31T23:00:00.000000Z' } };
  await refuse();
});
