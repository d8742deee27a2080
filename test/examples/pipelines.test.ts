import { execFile, spawn } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { valueAt } from '../../src/base/json.ts';
import { parseDocuments } from '../../src/yaml/documents.ts';

const run = promisify(execFile);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-pipeline-'));
  // The step that installs is left out: what runs is the program as it was built.
  const program = join(folder, 'millrace');
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${resolve('dist/millrace.js')}" "$@"\n`);
  await chmod(program, 0o755);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs shell steps one after the other as a runner does: each by `bash -e`, ending with the first that fails. */
async function runSteps(steps: readonly string[], cwd: string, env: Record<string, string>): Promise<number> {
  for (const step of steps) {
    if (/^npm install --global millrace\s*$/.test(step)) continue;
    const child = spawn('bash', ['-e', '-c', step], {
      cwd,
      env: { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, ...env },
      stdio: 'ignore',
    });
    const code = await new Promise<number>((done) => child.once('close', (status) => done(status ?? 1)));
    if (code !== 0) return code;
  }
  return 0;
}

async function pipeline(file: string): Promise<unknown> {
  return parseDocuments(await readFile(file, 'utf8'), file)[0];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

describe('GitHub Actions, in the GitOps repository', () => {
  const file = 'examples/fleet/.github/workflows/rehearse.yaml';

  async function runWorkflow(breakTree: (tree: string) => Promise<void> = async () => {}) {
    const tree = join(folder, 'fleet');
    await cp('examples/fleet', tree, { recursive: true });
    await breakTree(tree);
    const job = valueAt(await pipeline(file), 'jobs', 'rehearse');
    const steps = valueAt(job, 'steps');
    const scripts = texts((Array.isArray(steps) ? steps : []).map((step) => valueAt(step, 'run')));
    expect(scripts.length).toBeGreaterThan(1);
    const summary = join(folder, 'summary.md');
    const IMAGE = String(valueAt(job, 'env', 'IMAGE'));
    const code = await runSteps(scripts, tree, { IMAGE, GITHUB_STEP_SUMMARY: summary });
    return { code, summary: await readFile(summary, 'utf8') };
  }

  test('passes, with the report as summary', { timeout: 120_000 }, async () => {
    const { code, summary } = await runWorkflow();
    expect(summary).toContain('## Rehearsal: would be delivered');
    expect(summary).toMatch(/^\+.*zenler\/mainapp:1\.4\.2 # \{"\$imagepolicy"/m);
    expect(code).toBe(0);
  });

  test('fails a change that loses the marker, and says so', { timeout: 120_000 }, async () => {
    const { code, summary } = await runWorkflow(async (tree) => {
      const deployment = join(tree, 'apps/mainapp/deployment.yaml');
      await writeFile(deployment, (await readFile(deployment, 'utf8')).replace(/ # \{"\$imagepolicy.*/, ''));
    });
    expect(summary).toContain('not committed');
    expect(summary).toContain('no marker there names flux-system:mainapp');
    expect(code).toBe(1);
  });
});

describe('Bitbucket Pipelines, in the repository of an application', () => {
  async function runTag(tag: string) {
    const steps = valueAt(await pipeline('examples/app/bitbucket-pipelines.yml'), 'pipelines', 'tags', '*.*.*');
    const script = texts(valueAt(steps, 0, 'step', 'script'));
    expect(script.length).toBeGreaterThan(1);
    const origin = join(folder, 'origin');
    await cp('examples/fleet', origin, { recursive: true });
    const git = (...args: string[]) => run('git', ['-C', origin, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]);
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '--all');
    await git('commit', '--quiet', '--message=fleet');
    const { stdout: before } = await git('rev-parse', 'main');
    const cwd = await mkdtemp(join(folder, 'build-'));
    const code = await runSteps(script, cwd, { FLEET_URL: `file://${origin}`, BITBUCKET_TAG: tag });
    expect((await git('rev-parse', 'main')).stdout).toBe(before);
    expect((await git('status', '--porcelain')).stdout).toBe('');
    return { code, report: await readFile(join(cwd, 'rehearsal.md'), 'utf8') };
  }

  test('lets a release through that would arrive', { timeout: 120_000 }, async () => {
    const { code, report } = await runTag('1.5.0');
    expect(report).toContain('## Rehearsal: would be delivered');
    expect(code).toBe(0);
  });

  test('stops one that the policy would not take', { timeout: 120_000 }, async () => {
    const { code, report } = await runTag('2.0.0');
    expect(report).toContain("2.0.0 is outside the range '1.x'");
    expect(code).toBe(1);
  });
});
