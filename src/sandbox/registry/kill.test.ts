import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { parseManifest } from './manifest.ts';
import { RepositoryStore } from './repository-store.ts';

let dir: string;
let program: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
  // Inside node_modules, so that packages are found from the bundle.
  program = resolve('node_modules', `.kill-test-${process.pid}.mjs`);
  const options = { bundle: true, format: 'esm', platform: 'node', packages: 'external' } as const;
  await build({ ...options, entryPoints: ['test/support/push-until-killed.ts'], outfile: program });
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
  rmSync(program, { force: true });
});

/** Lets the process push until `ms` after its first push, kills it, and returns what the registry had confirmed. */
function pushAndKill(firstTag: number, ms: number): Promise<[tag: string, digest: string][]> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, dir, String(firstTag)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), ms));
    child.stdout.on('data', (chunk) => {
      printed += String(chunk);
    });
    child.once('close', () => {
      const lines = printed.split('\n').slice(0, -1);
      done(lines.map((line) => line.split(' ') as [string, string]));
    });
  });
}

test('what the registry confirmed is whole after a kill at any moment', async () => {
  const confirmed = new Map<string, string>();
  for (const ms of [0, 3, 11, 37, 80]) {
    for (const [tag, digest] of await pushAndKill(confirmed.size + 100, ms)) confirmed.set(tag, digest);
  }
  expect(confirmed.size).toBeGreaterThan(5);
  const store = new RepositoryStore(join(dir, 'registry'), systemClock);
  const content = store.content('apps/a');
  for (const [tag, digest] of confirmed) expect(content.find(tag)?.digest).toBe(digest);
  for (const { digest, mediaType } of content.images()) {
    const manifest = await store.blobs.read(digest);
    expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(digest);
    for (const blob of parseManifest(manifest, mediaType).blobs)
      expect(await store.blobs.size(blob.digest)).toBe(blob.size);
  }
  // Nothing is left over of what was cut short.
  const wanted = new Set([...content.blobs(), ...content.images().map(({ digest }) => digest)]);
  expect(readdirSync(join(dir, 'registry', 'blobs', 'sha256')).length).toBe(wanted.size);
  store.close();
});
