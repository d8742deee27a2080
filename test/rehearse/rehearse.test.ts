import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { Rehearsal } from '../../src/cli/rehearse/rehearsal.ts';
import { MillraceProcess } from '../e2e/sandbox-process.ts';

const run = promisify(execFile);
const messy = 'test/rehearse/testdata/messy';
const longMs = 120_000;
const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function copyOf(tree: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-rehearse-'));
  folders.push(folder);
  await cp(tree, folder, { recursive: true });
  return folder;
}

async function edit(file: string, from: string | RegExp, to: string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const after = before.replace(from, () => to);
  expect(after).not.toBe(before);
  await writeFile(file, after);
}

async function rehearse(...args: string[]): Promise<{ code: number | null; report: Rehearsal; stderr: string }> {
  const { code, stdout, stderr } = await new MillraceProcess(['rehearse', '-o', 'json', ...args]).ended;
  return { code, stderr, report: stdout === '' ? ({} as Rehearsal) : JSON.parse(stdout) };
}

test.concurrent('a tree that points everywhere: what is its own is delivered, the rest is named', {
  timeout: longMs,
}, async () => {
  const given = ['--given', 'test/rehearse/testdata/messy-given.yaml'];
  const images = ['--image', 'api:2.4.0', '--image', 'batch:20261115'];
  const { code, report, stderr } = await rehearse('--repo', messy, ...images, ...given);
  expect(stderr).not.toContain('error');
  expect(report.images.map(({ isDelivered, stopped }) => stopped ?? isDelivered)).toEqual([true, true]);
  expect(report.findings).toEqual([]);
  expect(report.branch).toBe('production');
  expect(report.objects.map(({ object, action }) => `${object} ${action}`)).toEqual([
    'CronJob/apps/batch configured',
    'StatefulSet/apps/api configured',
  ]);
  expect(report.commit?.diff).toContain('+          image: ghcr.io/acme/api:2.4.0 # {"$imagepolicy"');
  const noted = report.notes.map(({ what }) => what);
  for (const what of [
    'ClusterIssuer.cert-manager.io',
    'apps/secret.yaml',
    'GitRepository/flux-system/platform',
    'Kustomization/flux-system/platform',
    'Kustomization/flux-system/edge',
    'OCIRepository/flux-system/policies',
    'HelmRelease/apps/cert-manager',
    'ImageRepository/flux-system/redis',
    'branch image-updates',
  ])
    expect(noted).toContain(what);
  expect(code).toBe(0);
});

test.concurrent('without what the cluster has from elsewhere, doctor says what is missing', {
  timeout: longMs,
}, async () => {
  const { code, report } = await rehearse('--repo', messy, '--image', 'api:2.4.0');
  expect(report.findings[0]?.code).toBe('postbuild-variable-missing');
  expect(code).toBe(1);
});

test.concurrent('a checkout: changes that nobody committed are rehearsed, and nothing in it is touched', {
  timeout: longMs,
}, async () => {
  const tree = await copyOf('examples/fleet');
  const git = (...args: string[]) => run('git', ['-C', tree, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]);
  await git('init', '--quiet', '--initial-branch=feature');
  await writeFile(join(tree, '.gitignore'), 'ignored.yaml\n');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=fleet');
  await edit(join(tree, 'clusters/prod/images.yaml'), 'range: 1.x', 'range: 2.x');
  await writeFile(join(tree, 'ignored.yaml'), 'not: part of it\n');
  const before = (await git('status', '--porcelain=v2', '--branch')).stdout;
  const index = await readFile(join(tree, '.git/index'));
  const { code, report } = await rehearse('--repo', tree, '--image', 'mainapp:2.0.0', '--existing', 'mainapp:1.9.0');
  expect(report.images[0]?.choices).toEqual([{ policy: 'flux-system/mainapp', chosen: true, latest: '2.0.0' }]);
  expect(code).toBe(0);
  expect(await readFile(join(tree, '.git/index'))).toEqual(index);
  expect((await git('status', '--porcelain=v2', '--branch')).stdout).toBe(before);
});

test.concurrent("the account's own documents: a policy that lacks an action is found", {
  timeout: longMs,
}, async () => {
  const tree = await copyOf('examples/fleet');
  await edit(join(tree, 'iam/policy.json'), '"ecr:ListImages", ', '');
  const iam = ['--policy', join(tree, 'iam/policy.json'), '--trust', join(tree, 'iam/trust.json')];
  const { code, report } = await rehearse('--repo', tree, '--image', 'mainapp:1.4.2', ...iam);
  expect(report.images[0]?.stopped?.hop).toBe('scanned');
  expect(report.findings[0]).toMatchObject({ code: 'ecr-action-missing' });
  expect(report.notes.map(({ what }) => what)).not.toContain('IAM policy');
  expect(code).toBe(1);
});

test.each([
  ['an image that the tree does not have', ['--repo', 'examples/fleet', '--image', 'nothing:1.0.0']],
  ['a folder that is not there', ['--repo', 'examples/nowhere', '--image', 'mainapp:1.4.2']],
  ['no such cluster', ['--repo', 'examples/fleet', '--path', 'clusters/dev', '--image', 'mainapp:1.4.2']],
  ['a policy that is none', ['--repo', 'examples/fleet', '--image', 'mainapp:1.4.2', '--policy', 'package.json']],
  ['a file that cannot be read', ['--repo', 'examples/fleet', '--image', 'mainapp:1.4.2', '--trust', 'nowhere.json']],
])('cannot be rehearsed, exit 2: %s', { timeout: longMs }, async (_name, args) => {
  const { code, stderr } = await rehearse(...args);
  expect(stderr).toMatch(/^error: .*\n(hint: .*\n)?code: (REHEARSAL_IMPOSSIBLE|BAD_INPUT)/m);
  expect(code).toBe(2);
});
