import { afterEach, beforeEach, expect, test } from 'vitest';
import { type KubeApiDouble, startKubeApiDouble } from '../../../test/support/kube-api.ts';
import { newLifetime } from '../../base/deadline.ts';
import type { Logger } from '../../base/logger.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../kube/api-client.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { runControllers } from './controllers-process.ts';
import { parseRunOptions } from './options.ts';

const flags = {
  watchAllNamespaces: 'true',
  artifactRetentionTtl: '1m',
  artifactRetentionRecords: '2',
  concurrentSsa: '4',
  httpRetry: '9',
  minRetryDelay: '1s',
  maxRetryDelay: '1m',
  intervalJitterPercentage: '5',
  requeueDependency: '30s',
  gracefulShutdownTimeout: '1s',
  tokenCacheMaxSize: '100',
  tokenCacheMaxDuration: '1h',
  logLevel: 'info',
  takeOver: true,
  metricsAddr: '127.0.0.1:0',
  healthAddr: '127.0.0.1:0',
};
let api: KubeApiDouble;
let client: ConnectedKubeClient;
let lines: { message: string; fields: Record<string, unknown> }[];

beforeEach(async () => {
  api = await startKubeApiDouble();
  client = createKubeClient(api.config);
  lines = [];
});
afterEach(async () => {
  await client.close();
  await api.stop();
});

const logger: Logger = {
  debug() {},
  info: (message, fields = {}) => void lines.push({ message, fields }),
  warn() {},
  error() {},
  with: () => logger,
};

test('says when it is ready, serves health and metrics, and ends in order', async () => {
  const stop = newLifetime();
  const order: string[] = [];
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  api.put({ name: 'a' });
  const ended = runControllers(
    {
      client,
      config: api.config,
      options: parseRunOptions(flags, {}, false),
      namespace: 'flux-system',
      env: {},
      logger,
      metrics: createMetrics(),
      assemble: async () => ({
        addresses: { storage: '127.0.0.1:9' },
        close: async () => void order.push('closed'),
        controllers: [
          {
            name: 'widget-controller',
            kind: { apiVersion: 'test.dev/v1', kind: 'Widget' },
            concurrency: 1,
            async reconcile() {
              order.push('begun');
              await finished;
              order.push('done');
              return {};
            },
          },
        ],
      }),
    },
    stop.signal,
  );
  await expect.poll(() => lines.map(({ message }) => message)).toEqual(['ready']);
  const fields = lines[0]?.fields ?? {};
  expect(fields).toMatchObject({ storage: '127.0.0.1:9' });
  expect((await fetch(`http://${fields['health']}/readyz`)).status).toBe(200);
  expect(await (await fetch(`http://${fields['metrics']}/metrics`)).text()).toContain('workqueue_adds_total');
  await expect.poll(() => order).toEqual(['begun']);
  stop.abort();
  // It lives, and has nothing to offer any more.
  expect((await fetch(`http://${fields['health']}/healthz`)).status).toBe(200);
  expect((await fetch(`http://${fields['health']}/readyz`)).status).toBe(503);
  finish();
  await ended;
  expect(order).toEqual(['begun', 'done', 'closed']);
  await expect(fetch(`http://${fields['health']}/readyz`)).rejects.toThrow();
});
