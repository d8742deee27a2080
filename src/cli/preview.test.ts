import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImageStage, startImageStage } from '../../test/support/image-stage.ts';
import { runCli } from '../../test/support/run-cli.ts';

let stage: ImageStage;
const millrace = (...argv: string[]) =>
  runCli([...argv, '--kubeconfig', stage.cluster.kubeconfig], { PATH: process.env['PATH'] ?? '' });
const marked = (tag: string, policy = 'mainapp') =>
  `${policy}: ${stage.image}:${tag} # {"$imagepolicy": "flux-system:${policy}"}\n`;

beforeAll(async () => {
  stage = await startImageStage();
  await stage.reset();
  stage.fleet.commit({ 'apps/app.yaml': `# kept\n${marked('1.0.0')}`, 'apps/lost.yaml': marked('1.0.0', 'gone') });
  await stage.reconcile('ImageRepository');
  await stage.reconcile('ImagePolicy');
});
afterAll(() => stage?.close());

test('preview prints the commit that would be pushed, and pushes nothing; then it is pushed as printed', async () => {
  const before = stage.head();
  const shown = await millrace('preview', 'automation', 'mainapp', '-n', 'flux-system');
  expect(shown).toMatchObject({ code: 0, err: '' });
  expect(shown.out).toContain(`would push to main on ${before.slice(0, 7)}:`);
  expect(shown.out).toContain('    Update from image update automation');
  expect(shown.out).toContain(`-${marked('1.0.0')}+${marked('1.0.1')}`);
  expect(shown.out).toContain("lost.yaml:1: there is no ImagePolicy 'flux-system/gone'");
  expect(stage.head()).toBe(before);
  const { out } = await millrace('preview', 'automation', 'mainapp', '-n', 'flux-system', '-o', 'json');
  const [commit] = (JSON.parse(out) as { commits: Record<string, string>[] }).commits;
  expect(commit).toMatchObject({
    branch: 'main',
    base: before,
    changes: [expect.objectContaining({ new: expect.any(String) })],
  });
  await stage.reconcile('ImageUpdateAutomation');
  stage.fleet.git('fetch', '-q', 'origin');
  expect(stage.fleet.git('diff', before, 'origin/main').trim()).toBe(commit?.['diff']?.trim());
  const after = await millrace('preview', 'automation', 'mainapp', '-n', 'flux-system');
  expect(after.out).toContain(`nothing to commit on main (${stage.head().slice(0, 7)})`);
});

test('an automation that is not there, or cannot clone, is an error', async () => {
  const missing = await millrace('preview', 'automation', 'nobody', '-n', 'flux-system');
  expect(missing.code).not.toBe(0);
  expect(missing.err).toContain('ImageUpdateAutomation flux-system/nobody does not exist');
});

test('lint markers names file and line of what does nothing, against the cluster', async () => {
  const dir = join(stage.dir, 'tree');
  mkdirSync(join(dir, '.git'), { recursive: true });
  mkdirSync(join(dir, 'apps'));
  writeFileSync(join(dir, 'apps', 'app.yaml'), marked('1.0.0'));
  expect(await millrace('lint', 'markers', dir, '--from-cluster')).toMatchObject({ code: 0 });
  writeFileSync(join(dir, 'apps', 'lost.yaml'), `# a note\n${marked('1.0.0', 'gone')}`);
  writeFileSync(join(dir, 'outside.yaml'), marked('1.0.0'));
  const found = await millrace('lint', 'markers', dir, '--from-cluster');
  expect(found.code).toBe(1);
  expect(found.out).toContain("apps/lost.yaml:2: there is no ImagePolicy 'flux-system/gone' (unknown-policy)");
  expect(found.out).toContain('outside.yaml:1:');
  expect(found.out).toContain('(outside-path)');
});
