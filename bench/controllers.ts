// 1,000 sources and 1,000 Kustomizations of four objects each, from nothing to all Ready, against the embedded API.
// `npm run build && node scripts/run-ts.mjs bench/controllers.ts [apps] [seconds of idling]`
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crds } from '../src/api/crds.ts';
import { newLifetime, sleep } from '../src/base/deadline.ts';
import type { KubeObject } from '../src/base/kube-object.ts';
import { silentLogger } from '../src/base/logger.ts';
import { createKubeClient } from '../src/kube/api-client.ts';
import { parseKubeConfig } from '../src/kube/kubeconfig.ts';
import { isReady } from '../src/runtime/conditions.ts';
import { createInformer } from '../src/runtime/informer.ts';
import { startGit } from '../src/sandbox/git/start-git.ts';
import { startKubernetes } from '../src/sandbox/kubernetes/kubernetes.ts';
import { runGit } from '../test/support/git-repository.ts';

const apps = Number(process.argv[2] ?? 1000);
const idleSeconds = Number(process.argv[3] ?? 20);
const namespace = 'bench';
/** What Flux 2.9 publishes for 1,000 applications of four objects with 20 workers, in seconds. */
const fluxSeconds = 253;

const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
const { signal } = newLifetime();
const git = await startGit({
  dataDir: join(dir, 'git'),
  users: [{ name: 'bench', password: 'bench', access: 'write' }],
});
const kubernetes = await startKubernetes({ dataDir: join(dir, 'kubernetes') });
const client = createKubeClient(await parseKubeConfig(kubernetes.kubeconfig(), { where: 'bench' }));
const kubeconfig = join(dir, 'kubeconfig');
await writeFile(kubeconfig, kubernetes.kubeconfig());

await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
for (const crd of crds()) await client.create(crd, { signal });
await client.create(
  { ...meta('v1', 'Secret', 'git'), stringData: { username: 'bench', password: 'bench' } },
  { signal },
);
const url = await seedRepository();

const args = [
  'run',
  '--kubeconfig',
  kubeconfig,
  '-n',
  namespace,
  '--storage-path',
  join(dir, 'storage'),
  '--log-level',
  'info',
];
const controllers = ['--controllers', 'source-controller,kustomize-controller', '--concurrent', '20'];
const child = spawn(process.execPath, ['dist/millrace.js', ...args, ...controllers], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
let log = '';
child.stderr.on('data', (chunk) => {
  log = (log + String(chunk)).slice(-20_000);
});
while (!log.includes('"msg":"ready"')) {
  if (child.exitCode !== null) throw new Error(`millrace run ended:\n${log}`);
  await sleep(50);
}

const kinds = [
  { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' },
  { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' },
];
const informers = kinds.map((kind) => createInformer({ client, kind, namespace, logger: silentLogger }));
const stop = newLifetime();
const watching = informers.map((informer) => informer.run(stop.signal));

const start = performance.now();
await inParallel(apps, 20, async (i) => {
  const spec = { interval: '10m', url, ref: { branch: `app-${i}` }, secretRef: { name: 'git' } };
  await client.create({ ...meta('source.toolkit.fluxcd.io/v1', 'GitRepository', `app-${i}`), spec }, { signal });
  const sourceRef = { kind: 'GitRepository', name: `app-${i}` };
  const build = { interval: '10m', path: './deploy', prune: true, sourceRef, targetNamespace: namespace };
  await client.create(
    { ...meta('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', `app-${i}`), spec: build },
    { signal },
  );
});
console.log(`created ${2 * apps} objects in ${seconds(start)} s`);

const readyCounts = () => informers.map(({ cache }) => [...cache.list()].filter(isReady).length);
for (let shown = performance.now(); readyCounts().some((count) => count < apps); await sleep(100)) {
  if (child.exitCode !== null || performance.now() - start > 600_000)
    throw new Error(`not ready: ${readyCounts()}\n${log}`);
  if (performance.now() - shown > 5000) {
    shown = performance.now();
    console.log(
      `${seconds(start)} s: ${readyCounts().join(' sources, ')} kustomizations ready, ${memory('VmRSS')} MiB`,
    );
  }
}
const took = Number(seconds(start));
console.log(
  `all ready after ${took} s: ${(fluxSeconds / took).toFixed(1)} times as fast as Flux 2.9 publishes (bar: 60 s)`,
);
console.log(`memory: ${memory('VmRSS')} MiB now, ${memory('VmHWM')} MiB at the most (bar: 256 MiB)`);

await sleep(5000);
const before = cpuSeconds();
await sleep(idleSeconds * 1000);
const share = ((cpuSeconds() - before) / idleSeconds) * 100;
console.log(`idle: ${share.toFixed(2)} % of a core (bar: 2 %), ${memory('VmRSS')} MiB`);

child.kill('SIGTERM');
const code = await new Promise((resolve) => child.once('close', resolve));
console.log(`ended with exit code ${code}`);
stop.abort();
await Promise.all(watching);
await client.close();
await kubernetes.close();
await git.close();
await rm(dir, { recursive: true, force: true });

function meta(apiVersion: string, kind: string, name: string): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace } };
}

/** One repository with a branch for each application, so that each source has something of its own to fetch and to store. */
async function seedRepository(): Promise<string> {
  const address = await git.createRepository('fleet');
  const branches = Array.from({ length: apps }, (_, i) => fastImport(`app-${i}`, appManifest(`app-${i}`)));
  // Straight into the folder: a push over HTTP would wait for this very process.
  runGit(git.repositoryPath('fleet') ?? '', ['fast-import', '--quiet'], {}, branches.join(''));
  return address;
}

function fastImport(branch: string, manifest: string): string {
  const size = Buffer.byteLength(manifest);
  const commit = `commit refs/heads/${branch}\ncommitter Bench <bench@example.com> 1700000000 +0000\ndata 3\napp\n`;
  return `${commit}M 100644 inline deploy/app.yaml\ndata ${size}\n${manifest}\n`;
}

function appManifest(name: string): string {
  const labels = { app: name };
  const container = { name: 'app', image: `registry.example/${name}:1.0.0`, ports: [{ containerPort: 8080 }] };
  const template = { metadata: { labels }, spec: { serviceAccountName: name, containers: [container] } };
  const backend = { service: { name, port: { number: 80 } } };
  const paths = [{ path: '/', pathType: 'Prefix', backend }];
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: { replicas: 0, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name },
      spec: { rules: [{ host: `${name}.example`, http: { paths } }] },
    },
  ];
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

async function inParallel(count: number, workers: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: workers }, run));
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

/** Of the controllers' process, in MiB. */
function memory(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}

function cpuSeconds(): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
