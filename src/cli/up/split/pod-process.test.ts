import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newLifetime } from '../../../base/deadline.ts';
import { textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { silentLogger } from '../../../base/logger.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../../kube/api-client.ts';
import { loadKubeConfig, parseKubeConfig } from '../../../kube/kubeconfig.ts';
import { type SandboxKubernetes, startKubernetes } from '../../../sandbox/kubernetes/kubernetes.ts';
import { openPodFiles } from './pod-files.ts';
import { runPod } from './pod-process.ts';

const namespace = 'flux-system';
const ref = { apiVersion: 'v1', kind: 'Pod', namespace, name: 'scanner' };
const { signal } = newLifetime();
let folder: string;
let server: SandboxKubernetes;
let kube: ConnectedKubeClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-pods-'));
  server = await startKubernetes({ dataDir: join(folder, 'kubernetes') });
  kube = createKubeClient(await parseKubeConfig(server.kubeconfig(), { where: 'test' }));
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
  await kube.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'scanner', namespace } }, { signal });
  await kube.create(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'scanner', namespace, labels: { app: 'scanner' } },
      spec: {
        serviceAccountName: 'scanner',
        containers: [
          {
            name: 'manager',
            image: 'r.io/m:1',
            args: ['run', '--controllers', 'x'],
            env: [{ name: 'TOKEN', value: '/var/run/aws/token' }],
            volumeMounts: [{ name: 'aws', mountPath: '/var/run/aws' }],
          },
        ],
        volumes: [
          {
            name: 'aws',
            projected: {
              sources: [
                { serviceAccountToken: { path: 'token', audience: 'sts.amazonaws.com', expirationSeconds: 600 } },
              ],
            },
          },
        ],
      },
    } as KubeObject,
    { signal },
  );
});
afterAll(async () => {
  await kube.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function pod(): Promise<KubeObject> {
  const found = await kube.get(ref, { signal });
  if (found === undefined) throw new Error('the pod is gone');
  return found;
}
const container = async () => valueAt(await pod(), 'status', 'containerStatuses', 0) as Record<string, unknown>;
const readiness = async () => {
  const conditions = valueAt(await pod(), 'status', 'conditions') as { type: string; status: string }[];
  return conditions.find(({ type }) => type === 'Ready')?.status;
};

test('a container that ends is restarted with growing delays, and the pod says so', async () => {
  await expect.poll(async () => textAt(await pod(), 'status', 'phase')).toBe('Running');
  const runs = join(folder, 'runs');
  const entry = join(folder, 'entry.mjs');
  // Ends at once three times, then runs until it is told to end.
  await writeFile(
    entry,
    `import { appendFileSync, readFileSync } from 'node:fs';
     appendFileSync(${JSON.stringify(runs)}, JSON.stringify({ args: process.argv.slice(2), token: process.env.TOKEN }) + '\\n');
     if (readFileSync(${JSON.stringify(runs)}, 'utf8').trim().split('\\n').length <= 3) process.exit(3);
     process.on('SIGTERM', () => process.exit(0));
     setInterval(() => {}, 1000);`,
  );
  const asked: number[] = [];
  const events: string[] = [];
  const waits: unknown[] = [];
  const delays = [0, 300, 600];
  const running = runPod(
    await pod(),
    {
      kubernetes: server,
      kube: {
        ...kube,
        patch: (target, type, body, options) => {
          waits.push(valueAt(body, 'status', 'containerStatuses', 0, 'state', 'waiting'));
          return kube.patch(target, type, body, options);
        },
      },
      dataDir: folder,
      logger: silentLogger,
      events: { event: (_, type, reason, message) => void events.push(`${type} ${reason} ${message}`) },
      backOff: (restart) => {
        asked.push(restart);
        return delays[restart - 1] ?? 0;
      },
    },
    { program: [process.execPath, entry], env: { PATH: process.env['PATH'], HOME: folder } },
  );
  await expect.poll(async () => (await container())['restartCount']).toBe(3);
  await expect.poll(readiness).toBe('True');
  expect(await container()).toMatchObject({
    ready: true,
    started: true,
    image: 'r.io/m:1',
    state: { running: { startedAt: expect.any(String) } },
    lastState: { terminated: { exitCode: 3, reason: 'Error' } },
  });
  expect(asked).toEqual([1, 2, 3]);
  const uid = (await pod()).metadata.uid;
  const message = `back-off 0s restarting failed container=manager pod=scanner_${namespace}(${uid})`;
  expect(waits).toContainEqual({ reason: 'CrashLoopBackOff', message });
  expect(events).toEqual([`Warning BackOff ${message}`, `Warning BackOff ${message.replace(' 0s', ' 1s')}`]);
  const [run = ''] = (await readFile(runs, 'utf8')).split('\n');
  const { args, token } = JSON.parse(run) as { args: string[]; token: string };
  expect(args.slice(0, 4)).toEqual(['run', '--exit-with-stdin', '--controllers', 'x']);
  expect(decodeJwt(await readFile(token, 'utf8')).aud).toEqual(['sts.amazonaws.com']);
  const path = args[args.indexOf('--kubeconfig') + 1] ?? '';
  const own = createKubeClient(await loadKubeConfig({ env: {}, path }));
  await expect(own.get(ref, { signal })).rejects.toMatchObject({
    code: 'KUBE_FORBIDDEN',
    message: expect.stringContaining(`system:serviceaccount:${namespace}:scanner`),
  });
  await own.close();
  await running.close();
  await expect(readFile(path)).rejects.toThrow('ENOENT');
});

test('every token is renewed in its file, and one that could not be is tried again', async () => {
  const dir = join(folder, 'renewed');
  const life = newLifetime();
  let isDown = false;
  let failures = 0;
  const refuse = () => {
    failures++;
    return Promise.reject(new Error('down'));
  };
  const files = await openPodFiles(await pod(), dir, {
    kube: { ...kube, requestToken: (...call) => (isDown ? refuse() : kube.requestToken(...call)) },
    issuer: server.issuer,
    renewedAfter: 0.0001,
    retryMs: 20,
    signal: life.signal,
  });
  const aws = files.locate('/var/run/aws/token');
  const read = () => Promise.all([aws, files.apiTokenFile].map((file) => readFile(file, 'utf8')));
  const first = await read();
  const isRenewed = async () => (await read()).every((token, index) => token !== first[index]);
  await expect.poll(isRenewed).toBe(true);
  isDown = true;
  await expect.poll(() => failures).toBeGreaterThan(3);
  const last = await read();
  isDown = false;
  await expect.poll(async () => (await read()).every((token, index) => token !== last[index])).toBe(true);
  files.stop();
  expect(decodeJwt((await read())[1] as string)).toMatchObject({ sub: `system:serviceaccount:${namespace}:scanner` });
});
