import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { startKubernetes } from '../src/sandbox/kubernetes/kubernetes.ts';

/**
 * Server-side applies a second that the embedded Kubernetes API takes from one client with 20 connections, and what an object
 * costs in memory: `node scripts/run-ts.mjs bench/kube-api.ts [OBJECTS]`. The server is a process of its own.
 */
const wantedPerSecond = 2000;
const connections = 20;

interface Ready {
  url: string;
  caPem: string;
  token: string;
}

if (process.argv[2] === 'server') await serve(process.argv[3] ?? '');
else await measure(Number(process.argv[2] ?? 20_000));

async function serve(dataDir: string): Promise<void> {
  const server = await startKubernetes({ dataDir, controllers: false });
  process.on('message', (message) => {
    if (message === 'heap') {
      globalThis.gc?.();
      process.send?.(process.memoryUsage().heapUsed);
    } else void server.close().then(() => process.exit());
  });
  process.send?.({ url: server.url, caPem: server.caPem, token: server.adminToken } satisfies Ready);
}

async function measure(count: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-bench-kube-api-'));
  const server = fork(process.argv[1] ?? '', ['server', dataDir], { execArgv: ['--expose-gc'] });
  try {
    const [ready] = (await once(server, 'message')) as [Ready];
    const pool = new Pool(ready.url, { connections, pipelining: 1, connect: { ca: ready.caPem } });
    const apply = (index: number, value: string) => applyConfigMap(pool, ready.token, index, value);
    await inParallel(500, (index) => apply(count + index, 'warm-up'));
    const before = await heapOf(server);
    report('creates', count, await timed(count, (index) => apply(index, 'one')));
    const bytes = ((await heapOf(server)) - before) / count;
    report('applies that change a field', count, await timed(count, (index) => apply(index, 'two')));
    report('applies that change nothing', count, await timed(count, (index) => apply(index, 'two')));
    console.log(
      `memory: ${bytes.toFixed(0)} bytes per object (a ConfigMap of about 150 bytes with its managed fields)`,
    );
    await pool.close();
  } finally {
    server.send('close');
    await once(server, 'exit');
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function applyConfigMap(pool: Pool, token: string, index: number, value: string): Promise<void> {
  const name = `object-${index}`;
  const { statusCode, body } = await pool.request({
    method: 'PATCH',
    path: `/api/v1/namespaces/default/configmaps/${name}?fieldManager=bench&force=true`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default', labels: { app: 'bench' } },
      data: { value, index: String(index) },
    }),
  });
  const text = await body.text();
  if (statusCode >= 300) throw new Error(`${statusCode}: ${text}`);
}

async function timed(count: number, work: (index: number) => Promise<void>): Promise<number> {
  const start = performance.now();
  await inParallel(count, work);
  return performance.now() - start;
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: connections }, lane));
}

async function heapOf(server: ChildProcess): Promise<number> {
  server.send('heap');
  const [bytes] = (await once(server, 'message')) as [number];
  return bytes;
}

function report(what: string, count: number, ms: number): void {
  const perSecond = (count / ms) * 1000;
  const ratio = perSecond / wantedPerSecond;
  console.log(`${what}: ${perSecond.toFixed(0)} a second, ${ratio.toFixed(2)}× the ${wantedPerSecond} wanted`);
}
