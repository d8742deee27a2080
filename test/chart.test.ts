import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { controllerRights } from '../src/api/controller-rights.ts';
import { crds } from '../src/api/crds.ts';
import { isRecord, textAt, valueAt } from '../src/base/json.ts';
import type { KubeObject } from '../src/base/kube-object.ts';
import { createKubeClient } from '../src/kube/api-client.ts';
import { parseKubeConfig } from '../src/kube/kubeconfig.ts';
import { installedControllers } from '../src/provision/controller-objects.ts';
import { startKubernetes } from '../src/sandbox/kubernetes/kubernetes.ts';
import { printDocuments } from '../src/yaml/print.ts';

const chart = 'charts/millrace';

test('the chart brings the definitions of all kinds (written by `npx vitest run test/chart.test.ts -u`)', async () => {
  await expect(printDocuments(crds())).toMatchFileSnapshot(`../${chart}/crds/millrace.yaml`);
  await expect(printDocuments(crds())).toMatchFileSnapshot(`../${chart}-crds/files/definitions.yaml`);
});

test('the chart grants what the controllers need, and no more', async () => {
  const rights = Object.fromEntries(installedControllers.map((name) => [name, controllerRights(name)]));
  await expect(`${JSON.stringify(rights, null, 2)}\n`).toMatchFileSnapshot(`../${chart}/files/controller-rights.json`);
});

test('the schema knows every value, and no other', () => {
  const [values] = loadAll(readFileSync(`${chart}/values.yaml`, 'utf8'));
  const schema = JSON.parse(readFileSync(`${chart}/values.schema.json`, 'utf8')) as { properties: object };
  const known = Object.keys(schema.properties).filter((name) => name !== 'global');
  expect(Object.keys(values as object).sort()).toEqual(known.sort());
});

const helm = process.env['HELM'] ?? 'helm';
const hasHelm = runs(['version']);

function runs(args: string[]): boolean {
  try {
    execFileSync(helm, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasHelm)('rendered (skipped where helm is not installed)', () => {
  const render = (...set: string[]) => {
    const args = ['template', 'delivery', chart, '-n', 'flux-system', ...set.flatMap((each) => ['--set', each])];
    return loadAll(execFileSync(helm, args, { encoding: 'utf8' })).filter(isRecord);
  };
  const namesOf = (objects: Record<string, unknown>[], kind: string) =>
    objects.filter((object) => object['kind'] === kind).map((object) => textAt(object, 'metadata', 'name'));

  test('lint', () => expect(runs(['lint', '--strict', chart, `${chart}-crds`])).toBe(true));

  test('the chart of the definitions has them as they are, kept when the release goes', () => {
    const args = ['template', 'millrace-crds', `${chart}-crds`];
    const rendered = loadAll(execFileSync(helm, args, { encoding: 'utf8' })).filter(isRecord);
    const kept = { 'helm.sh/resource-policy': 'keep' };
    const expected = crds().map(({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, annotations: { ...metadata.annotations, ...kept } },
    }));
    const byName = (objects: readonly object[]) =>
      Object.fromEntries(objects.map((object) => [textAt(object, 'metadata', 'name'), object]));
    expect(byName(rendered)).toEqual(byName(expected));
  });

  test('single with artifacts in ECR: a second account with its role, and tokens of those two alone', () => {
    const objects = render('ecr.pullRoleArn=arn:aws:iam::111122223333:role/prod-source');
    expect(namesOf(objects, 'ServiceAccount').sort()).toEqual([
      ...['image-reflector-controller', 'millrace', 'source-controller'],
    ]);
    expect(JSON.stringify(objects)).toContain('"resourceNames":["image-reflector-controller","source-controller"]');
  });

  test('single: one Deployment, and the ServiceAccount with the role beside its own', () => {
    const objects = render('ecr.roleArn=arn:aws:iam::111122223333:role/prod-image-reflector');
    expect(namesOf(objects, 'Deployment')).toEqual(['millrace']);
    expect(namesOf(objects, 'ServiceAccount').sort()).toEqual(['image-reflector-controller', 'millrace']);
    expect(JSON.stringify(objects)).toContain('role/prod-image-reflector');
  });

  test('split, two shards, everything on', () => {
    const objects = render(
      'topology=split',
      'shards={a,b}',
      'podDisruptionBudget.enabled=true',
      'serviceMonitor.enabled=true',
      'rbac.clusterAdmin=false',
    );
    expect(namesOf(objects, 'Deployment')).toHaveLength(12);
    expect(namesOf(objects, 'ServiceAccount')).toHaveLength(4);
    for (const name of installedControllers) {
      const role = objects.find(
        (object) =>
          textAt(object, 'kind') === 'ClusterRole' && textAt(object, 'metadata', 'name') === `delivery-${name}`,
      );
      expect(role?.['rules']).toEqual(controllerRights(name));
    }
    expect(namesOf(objects, 'Role')).toEqual(['delivery-artifacts']);
    expect(JSON.stringify(objects)).not.toContain('cluster-admin');
  });

  test('artifacts come from whoever leads: the Service has no selector, and only its slice may be written', () => {
    const objects = render('topology=split', 'replicas=2');
    const [service] = objects.filter((object) => object['kind'] === 'Service');
    expect(textAt(service, 'metadata', 'name')).toBe('source-controller');
    expect(valueAt(service, 'spec', 'selector')).toBeUndefined();
    const serving = objects.filter((object) => JSON.stringify(object).includes('--storage-service=source-controller'));
    expect(namesOf(serving, 'Deployment')).toEqual(['source-controller']);
    expect(JSON.stringify(objects)).toContain('"resourceNames":["source-controller-leader"]');
  });

  test.each([
    ['single', 'rbac.clusterAdmin=true'],
    ['split', 'rbac.clusterAdmin=false'],
  ])('an API server takes everything of %s, with %s', async (topology, rights) => {
    const objects = render(`topology=${topology}`, rights, 'shards={a}', 'podDisruptionBudget.enabled=true');
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-chart-'));
    const server = await startKubernetes({ dataDir });
    const client = createKubeClient(await parseKubeConfig(server.kubeconfig(), { where: 'chart' }));
    const { signal } = new AbortController();
    try {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flux-system' } };
      await client.apply(namespace, { fieldManager: 'helm', signal });
      for (const object of objects as unknown as KubeObject[])
        await client.apply(object, { fieldManager: 'helm', dryRun: true, signal });
    } finally {
      await client.close();
      await server.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('a value that does not exist is refused', () => {
    expect(runs(['template', 'x', chart, '--set', 'topologie=split'])).toBe(false);
    expect(runs(['template', 'x', chart, '--set', 'ecr.roleArn=reader'])).toBe(false);
  });
});
