import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { silentLogger } from '../src/base/logger.ts';
import { createGitRepositoryController } from '../src/controllers/git-repository/controller.ts';
import { createArtifactStore } from '../src/controllers/source/artifact-store.ts';
import { createGit, type Git } from '../src/git/program.ts';
import { createKubeClient } from '../src/kube/api-client.ts';
import type { KubeClient } from '../src/kube/client.ts';
import { parseKubeConfig } from '../src/kube/kubeconfig.ts';
import { isReady } from '../src/runtime/conditions.ts';
import { createEventRecorder } from '../src/runtime/event-recorder.ts';
import { runGit } from '../test/support/git-repository.ts';

/**
 * What sources cost, as ratios within one run: `node scripts/run-ts.mjs bench/sources.ts [--files N] [--history-mb N]
 * [--objects N] [--concurrent N] [--rounds N]`. The bars: an unchanged repository is one git process; a commit of a large one is an artifact in at most
 * 1.5 times what `git fetch --depth 1` and `git archive` take; memory at most 100 MiB over idle, and without drift.
 */
const option = (name: string, preset: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? preset : Number(process.argv[at + 1]);
};
const files = option('files', 50_000);
const historyMb = option('history-mb', 500);
const objects = option('objects', 1000);
const concurrency = option('concurrent', 4);
const rounds = option('rounds', 4);

// What is left after a collection is what drifts.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const mib = (bytes: number) => Math.round(bytes / 1024 ** 2);
const signal = new AbortController().signal;
const servers: ChildProcess[] = [];
try {
  const url = await startServer('git', dir);
  const kubeconfig = JSON.parse(await startServer('kubernetes', join(dir, 'kubernetes'))) as string;
  const client = createKubeClient(await parseKubeConfig(kubeconfig, { where: 'bench' }));
  const large = await makeLargeRepository();
  makeSmallRepository();
  await measureLarge(client, `${url}/large.git`, large);
  await measureMany(client, `${url}/small.git`);
  await client.close();
} finally {
  for (const server of servers) server.kill();
  rmSync(dir, { recursive: true, force: true });
}

/** Runs a server as a process of its own and returns the line that it prints. */
async function startServer(name: string, argument: string): Promise<string> {
  const child = spawn(process.execPath, ['scripts/run-ts.mjs', `bench/servers/${name}.ts`, argument], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  servers.push(child);
  let text = '';
  for await (const part of child.stdout) {
    text += String(part);
    if (text.endsWith('\n')) break;
  }
  return text.trim();
}

/** A tree of many manifests, and a past of incompressible files that only a full clone would fetch. */
async function makeLargeRepository(): Promise<string> {
  const bare = join(dir, 'large.git');
  runGit('/', ['init', '-q', '--bare', '-b', 'main', bare]);
  const child = spawn('git', ['fast-import', '--quiet'], { cwd: bare, stdio: ['pipe', 'inherit', 'inherit'] });
  const write = async (text: string | Buffer) => {
    if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  };
  const commit = (n: number) =>
    `commit refs/heads/main\ncommitter B <b@example.com> ${1_700_000_000 + n} +0000\ndata 1\nx\n`;
  const noise = Buffer.alloc(64 * 1024);
  const perCommit = 160;
  const commits = Math.ceil((historyMb * 16) / perCommit);
  for (let n = 0; n < commits; n++) {
    await write(commit(n));
    for (let i = 0; i < perCommit; i++) {
      for (let at = 0; at < noise.length; at += 4) noise.writeInt32LE((Math.random() * 2 ** 31) | 0, at);
      await write(`M 100644 inline past/${i}\ndata ${noise.length}\n`);
      await write(Buffer.concat([noise, Buffer.from('\n')]));
    }
  }
  await write(`${commit(commits)}${commits > 0 ? 'D past\n' : ''}`);
  for (let i = 0; i < files; i++) {
    const text = manifest(i);
    await write(`M 100644 inline apps/${i % 500}/${Math.floor(i / 500)}.yaml\ndata ${text.length}\n${text}\n`);
  }
  child.stdin.end();
  await once(child, 'close');
  return bare;
}

function manifest(i: number): string {
  const lines = Array.from({ length: 40 }, (_, n) => `  key-${n}: value-${(i * 31 + n * 17) % 9973}-${i}`);
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-${i}\ndata:\n${lines.join('\n')}\n`;
}

function makeSmallRepository(): void {
  const bare = join(dir, 'small.git');
  const work = join(dir, 'small');
  runGit('/', ['init', '-q', '--bare', '-b', 'main', bare]);
  runGit('/', ['clone', '-q', bare, work]);
  mkdirSync(join(work, 'deploy'));
  spawnSync('sh', ['-c', 'for i in 1 2 3 4 5 6 7 8; do echo "a: $i" > deploy/$i.yaml; done'], { cwd: work });
  runGit(work, ['add', '-A']);
  runGit(work, ['commit', '-q', '-m', 'first']);
  runGit(work, ['push', '-q', 'origin', 'HEAD:main']);
}

/** Counts the git commands of ours. */
function countingGit(): { git: Git; count: () => number } {
  const git = createGit({ searchPath: process.env['PATH'] ?? '' });
  let count = 0;
  return {
    count: () => count,
    git: {
      ...git,
      run: (...args) => {
        count++;
        return git.run(...args);
      },
      start: (...args) => {
        count++;
        return git.start(...args);
      },
    },
  };
}

function newController(client: KubeClient, name: string, git: Git) {
  const namespace = 'bench';
  const store = createArtifactStore({ root: join(dir, name, 'store'), advertisedHost: 'x' });
  const mirrorsDir = join(dir, name, 'mirrors');
  const events = createEventRecorder({ client, component: 'bench', instance: 'bench', logger: silentLogger });
  const controller = createGitRepositoryController({ client, events, store, git, mirrorsDir });
  const kind = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' };
  return {
    put: (object: string, url: string) => {
      const spec = { url, interval: '1m', timeout: '10m', ref: { branch: 'main' } };
      return client.create({ ...kind, metadata: { name: object, namespace }, spec }, { signal });
    },
    reconcile: (object: string) =>
      controller.reconcile({ namespace, name: object }, { signal, superseded: signal, logger: silentLogger }),
    async mustBeReady() {
      await events.flush();
      const { items } = await client.list(kind, { namespace, signal });
      const failed = items.filter((object) => !isReady(object));
      if (failed.length > 0) throw new Error(`${failed.length} of ${items.length} sources are not ready`);
    },
  };
}

async function measureLarge(client: KubeClient, url: string, bare: string): Promise<void> {
  const { git, count } = countingGit();
  const { put, reconcile, mustBeReady } = newController(client, 'large', git);
  await put('large', url);
  collect();
  const idle = process.memoryUsage.rss();
  const baseline = join(dir, 'baseline.git');
  runGit('/', ['init', '-q', '--bare', baseline]);
  const byGit = () =>
    timed(async () => {
      const script = `git fetch -q --depth 1 ${url} main && git archive --format=tar.gz -o ../baseline.tar.gz FETCH_HEAD`;
      await once(spawn('sh', ['-c', script], { cwd: baseline, stdio: 'inherit' }), 'close');
    });
  // What either reads first is in the page cache for both.
  runGit(dir, ['clone', '-q', '--bare', '--depth', '1', url, 'warm.git']);
  const memory = watchMemory();
  report('first fetch', await timed(() => reconcile('large')), await byGit());
  changeOneFile(bare);
  report('one commit more', await timed(() => reconcile('large')), await byGit());
  memory.stop();
  console.log(`memory over idle         ${mib(memory.peak() - idle)} MiB (bar 100)`);
  await mustBeReady();
  const before = count();
  const unchanged = await timed(() => reconcile('large'));
  console.log(`unchanged                ${Math.round(unchanged)} ms, ${count() - before} git process (bar 1)`);
}

function changeOneFile(bare: string): void {
  const text = 'changed: true\n';
  const commit =
    'commit refs/heads/main\ncommitter B <b@example.com> 1800000000 +0000\ndata 1\ny\nfrom refs/heads/main^0\n';
  const input = `${commit}M 100644 inline apps/0/0.yaml\ndata ${text.length}\n${text}\n`;
  spawnSync('git', ['fast-import', '--quiet'], { cwd: bare, input });
}

async function measureMany(client: KubeClient, url: string): Promise<void> {
  const { git, count } = countingGit();
  const { put, reconcile, mustBeReady } = newController(client, 'many', git);
  const names = Array.from({ length: objects }, (_, i) => `r${i}`);
  for (const name of names) await put(name, url);
  const round = async (label: string) => {
    const before = count();
    const cpu = process.cpuUsage();
    const ms = await timed(() => inParallel(names, reconcile));
    const { user, system } = process.cpuUsage(cpu);
    const nodeMs = ((user + system) / 1000 / objects).toFixed(1);
    collect();
    const rss = mib(process.memoryUsage.rss());
    const heap = mib(process.memoryUsage().heapUsed);
    const each = (ms / objects).toFixed(1);
    console.log(
      `${label.padEnd(24)} ${(ms / 1000).toFixed(1)} s, ${each} ms each, ${(count() - before) / objects} git processes and ${nodeMs} ms of Node each, RSS ${rss} MiB, heap ${heap} MiB`,
    );
  };
  await round(`${objects} sources, first`);
  await mustBeReady();
  for (let n = 1; n <= rounds; n++) await round(`${objects} sources, unchanged`);
}

async function inParallel(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) await work(name);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

function report(label: string, ours: number, theirs: number): void {
  const ratio = (ours / theirs).toFixed(2);
  console.log(
    `${label.padEnd(24)} ${Math.round(ours)} ms, git fetch + archive ${Math.round(theirs)} ms: ratio ${ratio} (bar 1.5)`,
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function watchMemory() {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 50);
  return { peak: () => peak, stop: () => clearInterval(timer) };
}
