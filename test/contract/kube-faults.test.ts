import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newLifetime, sleep } from '../../src/base/deadline.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../src/kube/api-client.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { createManager } from '../../src/runtime/manager.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { type SandboxKubernetes, startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';

const kind = { apiVersion: 'v1', kind: 'ConfigMap' };
const namespace = 'default';
const { signal } = newLifetime();

/** Stands between the controllers and the API: passes bytes on, until told to cut, to stall or to refuse. */
interface Line {
  port: number;
  mode: 'open' | 'stalled' | 'refusing';
  cut(): void;
  close(): void;
}

async function startLine(target: number): Promise<Line> {
  const sockets = new Set<Socket>();
  const line: Line = {
    port: 0,
    mode: 'open',
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      line.cut();
      server.close();
    },
  };
  const server: Server = createServer((near) => {
    if (line.mode === 'refusing') return void near.destroy();
    const far = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => line.mode === 'open' && to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  line.port = (server.address() as AddressInfo).port;
  return line;
}

let dir: string;
let kubernetes: SandboxKubernetes;
let direct: ConnectedKubeClient;
let line: Line;
let client: ConnectedKubeClient;

const port = () => Number(new URL(kubernetes.url).port);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-faults-'));
  kubernetes = await startKubernetes({ dataDir: dir });
  const config = await parseKubeConfig(kubernetes.kubeconfig(), { where: 'sandbox' });
  direct = createKubeClient(config);
  line = await startLine(port());
  client = createKubeClient({ ...config, server: `https://127.0.0.1:${line.port}` }, { requestTimeoutMs: 1000 });
});
afterEach(async () => {
  line.close();
  await client.close();
  await direct.close();
  await kubernetes.close();
  await rm(dir, { recursive: true, force: true });
});

/** Copies `data.want` of each object to an annotation, as a controller brings the world to what is wanted. */
function startCopier() {
  const stop = newLifetime();
  const runs = { count: 0 };
  const manager = createManager({
    client,
    namespace,
    labelSelector: 'copied=yes',
    logger: silentLogger,
    metrics: createMetrics(),
    backoff: { firstDelayMs: 100, maxDelayMs: 1000 },
    drainMs: () => 1000,
    controllers: [
      {
        name: 'copier',
        kind,
        concurrency: 5,
        triggers: () => true,
        async reconcile(key, context) {
          runs.count++;
          const object = await client.get({ ...kind, ...key }, context);
          if (object === undefined) return {};
          const want = (object['data'] as { want: string }).want;
          if (object.metadata.annotations?.['have'] === want) return {};
          await client.patch({ ...kind, ...key }, 'merge', { metadata: { annotations: { have: want } } }, context);
          return {};
        },
      },
    ],
  });
  const ended = manager.run(stop.signal);
  return {
    runs,
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

const count = 15;

async function wish(want: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    const metadata = { name: `item-${i}`, namespace, labels: { copied: 'yes' } };
    await direct.apply({ ...kind, metadata, data: { want } }, { signal, fieldManager: 'person', force: true });
  }
}

async function have(): Promise<Set<string | undefined>> {
  const { items } = await direct.list(kind, { signal, namespace, labelSelector: 'copied=yes' });
  return new Set(items.map(({ metadata }) => metadata.annotations?.['have']));
}

test('follows while every connection is cut twice a second', async () => {
  const copier = startCopier();
  const cutter = setInterval(() => line.cut(), 500);
  for (let round = 1; round <= 4; round++) {
    await wish(`round ${round}`);
    await sleep(400);
  }
  await expect.poll(have, { timeout: 10_000 }).toEqual(new Set(['round 4']));
  clearInterval(cutter);
  await copier.stop();
});

test('catches up after the API was silent, and after it was away', async () => {
  const copier = startCopier();
  await wish('before');
  await expect.poll(have).toEqual(new Set(['before']));
  for (const mode of ['stalled', 'refusing'] as const) {
    line.mode = mode;
    if (mode === 'refusing') line.cut();
    await wish(mode);
    const runsBefore = copier.runs.count;
    await sleep(1500);
    expect(copier.runs.count - runsBefore).toBeLessThan(10 * count);
    line.mode = 'open';
    // A silent connection is given up by its owner: the watch's by its time, so here it is cut.
    line.cut();
    await expect.poll(have, { timeout: 10_000 }).toEqual(new Set([mode]));
  }
  await copier.stop();
});

test('goes on over a restart of the API, on what it kept', async () => {
  const copier = startCopier();
  await wish('before');
  await expect.poll(have).toEqual(new Set(['before']));
  const [url, oldPort] = [kubernetes.url, port()];
  await kubernetes.close();
  await sleep(700);
  kubernetes = await startKubernetes({ dataDir: dir, port: oldPort });
  expect(kubernetes.url).toBe(url);
  await wish('after');
  await expect.poll(have).toEqual(new Set(['after']));
  await copier.stop();
});
