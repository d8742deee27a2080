import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { controllerRights } from '../src/api/controller-rights.ts';
import { crds } from '../src/api/crds.ts';
import { isRecord, textAt } from '../src/base/json.ts';
import { installedControllers } from '../src/provision/controller-objects.ts';
import { printDocuments } from '../src/yaml/print.ts';

const chart = 'charts/millrace';

test('the chart brings the definitions of all kinds (written by `npx vitest run test/chart.test.ts -u`)', async () => {
  await expect(printDocuments(crds())).toMatchFileSnapshot(`../${chart}/crds/millrace.yaml`);
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

  test('lint', () => expect(runs(['lint', '--strict', chart])).toBe(true));

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
    expect(namesOf(objects, 'Role')).toEqual([]);
    expect(JSON.stringify(objects)).not.toContain('cluster-admin');
  });

  test('a value that does not exist is refused', () => {
    expect(runs(['template', 'x', chart, '--set', 'topologie=split'])).toBe(false);
    expect(runs(['template', 'x', chart, '--set', 'ecr.roleArn=reader'])).toBe(false);
  });
});
