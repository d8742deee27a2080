import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../src/base/logger.ts';
import { createGitRepositoryController } from '../src/controllers/git-repository/controller.ts';
import { createArtifactStore } from '../src/controllers/source/artifact-store.ts';
import { createGit, type Git } from '../src/git/program.ts';
import { runGit } from '../test/support/git-repository.ts';
import { createMemoryCluster } from '../test/support/memory-cluster.ts';

/**
 * What sources cost, as ratios within one run: `node scripts/run-ts.mjs bench/sources.ts [--files N] [--history-mb N]
 * [--objects N]`. The bars: an unchanged repository is one git process; a commit of a large one is an artifact in at most
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

const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const mib = (bytes: number) => Math.round(bytes / 1024 ** 2);
const signal = new AbortController().signal;
let server: ChildProcess | undefined;
try {
  const url = await startServer();
  const large = await makeLargeRepository();
  makeSmallRepository();
  global.gc?.();
  const idle = process.memoryUsage.rss();
  await measureLarge(`${url}/large.git`, large, idle);
  await measureMany(`${url}/small.git`);
} finally {
  server?.kill();
  rmSync(dir, { recursive: true, force: true });
}

async function startServer(): Promise<string> {
  const child = spawn(process.execPath, ['scripts/run-ts.mjs', 'bench/git-server.ts', dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  server = child;
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return line.toString().trim();
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

function newController(name: string, git: Git) {
  const cluster = createMemoryCluster();
  const store = createArtifactStore({ root: join(dir, name, 'store'), advertisedHost: 'x' });
  const mirrorsDir = join(dir, name, 'mirrors');
  const { client, events } = cluster;
  const controller = createGitRepositoryController({ client, events, store, git, mirrorsDir });
  const put = (object: string, url: string) =>
    cluster.put({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: { name: object },
      spec: { url, interval: '1m', timeout: '10m', ref: { branch: 'main' } },
    });
  const reconcile = (object: string) =>
    controller.reconcile(
      { namespace: 'flux-system', name: object },
      { signal, superseded: signal, logger: silentLogger },
    );
  return { cluster, put, reconcile };
}

async function measureLarge(url: string, bare: string, idle: number): Promise<void> {
  const { git, count } = countingGit();
  const { put, reconcile } = newController('large', git);
  put('large', url);
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

async function measureMany(url: string): Promise<void> {
  const { git, count } = countingGit();
  const { cluster, put, reconcile } = newController('many', git);
  const names = Array.from({ length: objects }, (_, i) => `r${i}`);
  for (const name of names) put(name, url);
  const round = async (label: string) => {
    const before = count();
    const cpu = process.cpuUsage();
    const ms = await timed(() => inParallel(names, reconcile));
    const { user, system } = process.cpuUsage(cpu);
    const nodeMs = ((user + system) / 1000 / objects).toFixed(1);
    global.gc?.();
    const rss = mib(process.memoryUsage.rss());
    cluster.recorded.length = 0;
    cluster.patches.length = 0;
    const each = (ms / objects).toFixed(1);
    console.log(
      `${label.padEnd(24)} ${(ms / 1000).toFixed(1)} s, ${each} ms each, ${(count() - before) / objects} git processes and ${nodeMs} ms of Node each, RSS ${rss} MiB`,
    );
  };
  await round(`${objects} sources, first`);
  for (let n = 1; n <= 3; n++) await round(`${objects} sources, unchanged`);
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
