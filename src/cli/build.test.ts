import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../test/support/run-cli.ts';

const objects = `apiVersion: v1
kind: Namespace
metadata: {name: a}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
`;
let dir: string;
const at = (path: string) => join(dir, path);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-build-'));
  for (const folder of ['base', 'overlay', 'shared', 'out']) await mkdir(at(folder));
  await writeFile(at('base/all.yaml'), objects);
  await writeFile(at('base/kustomization.yaml'), 'resources: [all.yaml]\n');
  await writeFile(at('overlay/kustomization.yaml'), 'resources: [../base]\n');
  await writeFile(at('shared.env'), 'x=1\n');
  const generator = 'configMapGenerator:\n- name: e\n  envs: [../shared.env]\n';
  await writeFile(at('shared/kustomization.yaml'), generator);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('a base outside the folder is built without a repository around it', async () => {
  const { code, out } = await runCli(['build', at('overlay')]);
  expect({ code, kinds: out.match(/^kind: .*/gm) }).toEqual({
    code: 0,
    kinds: ['kind: Namespace', 'kind: ConfigMap', 'kind: Deployment'],
  });
});

test('--reorder none keeps the order of the files', async () => {
  const { out } = await runCli(['build', at('overlay'), '--reorder', 'none']);
  expect(out.match(/^kind: .*/gm)).toEqual(['kind: Namespace', 'kind: Deployment', 'kind: ConfigMap']);
});

test('files outside the folder take --load-restrictor LoadRestrictionsNone', async () => {
  const refused = await runCli(['build', at('shared')]);
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toContain(
    `${at('shared')}/kustomization.yaml:2: the file '../shared.env' is not in or below its folder`,
  );
  const { code, out } = await runCli(['build', at('shared'), '--load-restrictor', 'LoadRestrictionsNone']);
  expect({ code, data: out.match(/x: .*/)?.[0] }).toEqual({ code: 0, data: 'x: "1"' });
});

test('an output folder gets a file an object, named as kustomize names them', async () => {
  expect(await runCli(['build', at('overlay'), '-o', at('out')])).toMatchObject({ code: 0, out: '' });
  expect((await readdir(at('out'))).sort()).toEqual([
    'a_apps_v1_deployment_web.yaml',
    'default_v1_configmap_c.yaml',
    'v1_namespace_a.yaml',
  ]);
  await runCli(['build', at('overlay'), '-o', at('all.yaml')]);
  expect(await readFile(at('all.yaml'), 'utf8')).toContain('kind: Deployment');
});

test('what is not supported is refused with what to do', async () => {
  const { code, err } = await runCli(['build', at('base'), '--enable-helm']);
  expect(code).toBe(2);
  expect(err).toContain('hint: Render the chart in CI');
  expect((await runCli(['build', at('nowhere')])).code).toBe(1);
});

test('faults of a file and what it lists and is not there are told together, with paths that can be opened', async () => {
  await mkdir(at('faulty'));
  await writeFile(at('faulty/kustomization.yaml'), 'resources: [none.yaml]\nnamePrefx: x\n');
  await writeFile(at('overlay/kustomization.yaml'), 'resources: [../faulty]\n');
  const { code, err } = await runCli(['build', at('overlay')]);
  expect(code).toBe(1);
  expect(err).toContain(`${at('faulty')}/kustomization.yaml:2: unknown field 'namePrefx' (Did you mean 'namePrefix'?)`);
  expect(err).toContain(`${at('faulty')}/kustomization.yaml:1: 'none.yaml' of 'resources': no such file or folder`);
});
