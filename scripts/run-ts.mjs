// Bundles one TypeScript file and runs it: `node scripts/run-ts.mjs bench/build.ts [arguments]`. Node 20 cannot run one itself.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const [file, ...args] = process.argv.slice(2);
// Inside node_modules, so that external packages resolve as they do from the source.
const outdir = await mkdtemp(join('node_modules', '.run-ts-'));
await build({
  entryPoints: [file],
  outfile: join(outdir, 'main.mjs'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const child = spawn(process.execPath, ['--enable-source-maps', join(outdir, 'main.mjs'), ...args], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', async (code) => {
  await rm(outdir, { recursive: true, force: true });
  process.exitCode = code ?? 1;
});
