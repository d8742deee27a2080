import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startDemo } from '../src/cli/up/demo.ts';
import type { Hop } from '../src/diagnose/delivery/hops.ts';

/** How long the main job takes: from nothing to the first image running, then push after push. Needs `npm run build`. */
const pushes = 10;

const dataDir = await mkdtemp(join(tmpdir(), 'millrace-bench-delivery-'));
const context = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  program: [process.execPath, resolve('dist/millrace.js')] as const,
  color: false,
  signal: new AbortController().signal,
};
const startedMs = Date.now();
const demo = await startDemo({ dataDir, ports: {}, timeoutMs: 60_000 }, context, () => {});
try {
  await demo.deliver(() => {});
  console.log(`from nothing to two deliveries: ${((Date.now() - startedMs) / 1000).toFixed(2)} s (bar for one: 10 s)`);
  const runs: Hop[][] = [];
  for (let index = 0; index < pushes; index++) runs.push(await demo.push(`1.1.${index}`, () => {}));
  for (const name of ['scanned', 'chosen', 'committed', 'fetched', 'built', 'applied', 'running'] as const) {
    const times = runs.map((hops) => since(hops, name)).sort((a, b) => a - b);
    const bar =
      name === 'applied'
        ? '   (bar: 1000 ms at the median)'
        : name === 'committed'
          ? '   (bar: 500 ms at the median)'
          : '';
    console.log(
      `push → ${name.padEnd(10)} min ${times[0]} ms  median ${times[pushes >> 1]} ms  max ${times.at(-1)} ms${bar}`,
    );
  }
} finally {
  await demo.close();
  await rm(dataDir, { recursive: true, force: true });
}

function since(hops: Hop[], name: Hop['name']): number {
  const [first] = hops;
  return (hops.find((hop) => hop.name === name)?.atMs ?? 0) - (first?.atMs ?? 0);
}
