import { afterEach, beforeEach, expect, test } from 'vitest';
import { type KubeApiDouble, reply, startKubeApiDouble, status } from '../../test/support/kube-api.ts';
import { newLifetime } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import { formatKey } from '../base/kube-object.ts';
import { silentLogger } from '../base/logger.ts';
import { type ConnectedKubeClient, createKubeClient } from '../kube/api-client.ts';
import type { Controller } from './controller.ts';
import { createManager, type Manager } from './manager.ts';
import { createMetrics } from './metrics.ts';
import { requestedAtAnnotation } from './request.ts';

const kind = { apiVersion: 'test.dev/v1', kind: 'Widget' };
let api: KubeApiDouble;
let client: ConnectedKubeClient;
let stop: AbortController;
let ended: Promise<void>;
let reconciled: string[];

beforeEach(async () => {
  api = await startKubeApiDouble();
  client = createKubeClient(api.config, { requestTimeoutMs: 2000 });
  stop = newLifetime();
  ended = Promise.resolve();
  reconciled = [];
});
afterEach(async () => {
  stop.abort();
  await ended;
  await client.close();
  await api.stop();
});

function start(controller: Partial<Controller> = {}, metrics = createMetrics()): Manager {
  const manager = createManager({
    client,
    logger: silentLogger,
    metrics,
    backoff: { firstDelayMs: 20, maxDelayMs: 100 },
    drainMs: () => 300,
    controllers: [
      {
        name: 'widget-controller',
        kind,
        concurrency: 4,
        async reconcile(key) {
          reconciled.push(formatKey(key));
          return {};
        },
        ...controller,
      },
    ],
  });
  ended = manager.run(stop.signal);
  return manager;
}

const put = (name: string, generation: number, more: Record<string, unknown> = {}) =>
  api.put({ name, metadata: { name, namespace: 'default', generation, ...more } });

test('reconciles what is there, what comes, what changes and what goes', async () => {
  put('a', 1);
  start();
  await expect.poll(() => reconciled).toEqual(['default/a']);
  put('b', 1);
  await expect.poll(() => reconciled.length).toBe(2);
  put('a', 2);
  await expect.poll(() => reconciled.length).toBe(3);
  api.remove('b');
  await expect.poll(() => reconciled).toEqual(['default/a', 'default/b', 'default/a', 'default/b']);
});

test('a status update wakes nobody, a request does', async () => {
  put('a', 1);
  start();
  await expect.poll(() => reconciled.length).toBe(1);
  put('a', 1, { annotations: { note: 'x' } });
  put('a', 1, { annotations: { [requestedAtAnnotation]: 'now' } });
  await expect.poll(() => reconciled.length).toBe(2);
  put('a', 1, { annotations: {} });
  put('b', 1);
  await expect.poll(() => reconciled).toEqual(['default/a', 'default/a', 'default/b']);
});

test('never two runs of one object, never more than the concurrency', async () => {
  let running = 0;
  let most = 0;
  const active = new Set<string>();
  for (let i = 0; i < 20; i++) put(`w${i}`, 1);
  start({
    concurrency: 3,
    async reconcile({ name }) {
      expect(active.has(name)).toBe(false);
      active.add(name);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      active.delete(name);
      running--;
      reconciled.push(name);
      return {};
    },
  });
  for (let i = 0; i < 20; i++) put(`w${i}`, 2);
  await expect.poll(() => new Set(reconciled).size).toBe(20);
  expect(most).toBe(3);
});

test('misses nothing while watches are cut, history is lost and the server restarts', async () => {
  const lastSeen = new Map<string, unknown>();
  start({
    async reconcile({ namespace, name }, { signal }) {
      const object = await client.get({ ...kind, namespace, name }, { signal });
      lastSeen.set(name, object?.metadata.generation);
      return {};
    },
  });
  // An object that comes and goes while nobody watches was never there to anyone, so these are seen before.
  put('gone', 1);
  put('w9', 0);
  await expect.poll(() => lastSeen.size).toBe(2);
  for (let round = 1; round <= 12; round++) {
    for (let i = 0; i < 10; i++) put(`w${i}`, round);
    if (round === 5) api.remove('gone');
    if (round === 12) api.remove('w9');
    if (round % 3 === 0) api.compact();
    api.cutWatches({ expired: round % 2 === 0 });
    if (round === 6) {
      await api.stop();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await api.listen();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const kept = Array.from({ length: 10 }, (_, i) => [`w${i}`, i === 9 ? undefined : 12]);
  const want = [['gone', undefined], ...kept];
  await expect.poll(() => [...lastSeen].sort(), { timeout: 10_000 }).toEqual(want);
});

test('goes on through 429 and 500 without a storm', async () => {
  let refused = 0;
  put('a', 1);
  api.intercept = ({ path }, response) => {
    if (!path.endsWith('/widgets') || refused >= 4) return false;
    refused++;
    return refused % 2 === 0
      ? reply(response, 500, status(500, 'InternalError', 'oops'))
      : reply(response, 429, status(429, 'TooManyRequests', 'slow'), { 'retry-after': '0' });
  };
  start();
  await expect.poll(() => reconciled).toEqual(['default/a']);
  expect(api.seen.length).toBeLessThan(12);
});

test('a failure is retried, one that only a person can mend is not', async () => {
  put('flaky', 1);
  put('final', 1);
  start({
    async reconcile({ name }) {
      reconciled.push(name);
      if (name === 'final') throw new MillraceError('BAD_INPUT', 'no', { retry: 'never' });
      if (reconciled.filter((other) => other === 'flaky').length < 3) throw new Error('not yet');
      return {};
    },
  });
  await expect.poll(() => reconciled.filter((name) => name === 'flaky').length).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(reconciled.filter((name) => name === 'final')).toHaveLength(1);
});

test('comes back after the time that a run asked for', async () => {
  put('a', 1);
  start({
    async reconcile() {
      reconciled.push('a');
      return reconciled.length < 3 ? { requeueAfterMs: 30 } : {};
    },
  });
  await expect.poll(() => reconciled.length).toBe(3);
});

test('changes of a watched kind wake who is concerned, found by index', async () => {
  api.put({ name: 'app', spec: { source: 'fleet' } });
  api.put({ name: 'fleet' });
  start({
    indexes: { source: (object) => [(object['spec'] as { source?: string } | undefined)?.source ?? ''] },
    watches: [
      {
        kind,
        wakes: ({ after }, own) =>
          own
            .by('source', after?.metadata.name ?? '')
            .map(({ metadata }) => ({ namespace: 'default', name: metadata.name })),
      },
    ],
    triggers: ({ before }) => before === undefined,
  });
  await expect.poll(() => reconciled.length).toBe(2);
  api.put({ name: 'fleet', changed: true });
  await expect.poll(() => reconciled.at(-1)).toBe('default/app');
  expect(reconciled).toHaveLength(3);
});

test('a run hears that its object changed', async () => {
  put('a', 1);
  start({
    reconcile: (_key, { superseded }) =>
      new Promise((resolve) => {
        if (reconciled.push('a') > 1) return resolve({});
        superseded.addEventListener('abort', () => resolve({}));
      }),
  });
  await expect.poll(() => reconciled.length).toBe(1);
  put('a', 2);
  await expect.poll(() => reconciled.length).toBe(2);
});

test('the end waits for runs under way, and tells those that take too long', async () => {
  put('quick', 1);
  put('slow', 1);
  const ends: string[] = [];
  start({
    async reconcile({ name }, { signal }) {
      reconciled.push(name);
      if (name === 'quick') await new Promise((resolve) => setTimeout(resolve, 100));
      else await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ends.push(name);
      return {};
    },
  });
  await expect.poll(() => reconciled.length).toBe(2);
  stop.abort();
  await ended;
  expect(ends).toEqual(['quick', 'slow']);
});

test('counts runs, and forgets the series of an object that is gone', async () => {
  const metrics = createMetrics();
  put('a', 1);
  put('b', 1);
  start({}, metrics);
  await expect.poll(() => reconciled.length).toBe(2);
  expect(await metrics.registry.metrics()).toContain('gotk_reconcile_duration_seconds_count{kind="Widget",name="a"');
  api.remove('a');
  await expect.poll(() => reconciled.length).toBe(3);
  const text = await metrics.registry.metrics();
  expect(text).not.toContain('name="a"');
  expect(text).toContain('controller_runtime_reconcile_total{controller="widget",result="success"} 3');
  expect(text).toContain('workqueue_depth{name="widget",controller="widget"} 0');
});

test('runs that take long do not keep others waiting', async () => {
  for (const name of ['a-slow', 'b-slow', 'c-slow', 'd', 'e']) put(name, 1);
  const busy = newLifetime();
  start({
    concurrency: 1,
    slowAfterMs: 50,
    async reconcile(key) {
      reconciled.push(key.name);
      if (key.name.endsWith('slow'))
        await new Promise<void>((end) => busy.signal.addEventListener('abort', () => end()));
      return {};
    },
  });
  await expect
    .poll(() => reconciled.slice().sort(), { timeout: 15_000 })
    .toEqual(['a-slow', 'b-slow', 'c-slow', 'd', 'e']);
  busy.abort();
});
