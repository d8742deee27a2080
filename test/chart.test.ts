import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { controllerRights } from '../src/api/controller-rights.ts';
import { crds } from '../src/api/crds.ts';
import { isRecord, listAt, textAt, valueAt } from '../src/base/json.ts';
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

  test('where `provision apply` made accounts and rights, the chart adds what is its own alone', () => {
    const objects = render('serviceAccount.create=false', 'rbac.create=false', 'networkPolicy.enabled=false');
    const kinds = objects.map((object) => `${object['kind']} ${textAt(object, 'metadata', 'name')}`);
    const own = [
      'Deployment millrace',
      'Service millrace',
      'Role delivery-artifacts',
      'RoleBinding delivery-artifacts',
    ];
    expect(kinds.sort()).toEqual(own.sort());
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

  test('instance: the operator alone, which tells the controllers its own image', () => {
    const objects = render('topology=instance', 'image.repository=r.io/millrace', 'image.tag=1.2.3');
    expect(objects.map((object) => `${object['kind']}/${textAt(object, 'metadata', 'name')}`).sort()).toEqual([
      'ClusterRoleBinding/delivery-flux-operator',
      'Deployment/flux-operator',
      'NetworkPolicy/delivery-millrace',
      'ServiceAccount/flux-operator',
    ]);
    const text = JSON.stringify(objects);
    expect(text).toContain('"--controllers=flux-operator"');
    expect(text).toContain('{"name":"MILLRACE_IMAGE","value":"r.io/millrace:1.2.3"}');
    expect(runs(['template', 'x', chart, '--set', 'topology=instance,shards={a}'])).toBe(false);
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

  test('pods come up where the restricted profile is enforced, and write nowhere but into their volumes', () => {
    for (const topology of ['single', 'split'])
      for (const deployment of render(`topology=${topology}`).filter(({ kind }) => kind === 'Deployment')) {
        const pod = valueAt(deployment, 'spec', 'template', 'spec');
        expect(valueAt(pod, 'securityContext')).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        const [container] = listAt(pod, 'containers');
        expect(valueAt(container, 'securityContext')).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        for (const probe of ['livenessProbe', 'readinessProbe'])
          expect(valueAt(container, probe, 'httpGet', 'port')).toBe('healthz');
        const mounted = listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'name'));
        expect(listAt(pod, 'volumes').map((volume) => textAt(volume, 'name'))).toEqual(mounted);
      }
  });

  test('the network lets in artifacts from the namespace, scrapes, and hooks where there are any', () => {
    const ingress = (objects: Record<string, unknown>[]) =>
      listAt(
        objects.find(({ kind }) => kind === 'NetworkPolicy'),
        'spec',
        'ingress',
      );
    const ports = (...set: string[]) => ingress(render(...set)).map((rule) => valueAt(rule, 'ports', 0, 'port'));
    expect(ports()).toEqual([9090, 8080]);
    expect(valueAt(ingress(render())[0], 'from')).toEqual([{ podSelector: {} }]);
    expect(ports('hooks.enabled=true')).toEqual([9090, 8080, 9292]);
  });

  test.each([
    ['single', 'millrace'],
    ['split', 'image-reflector-controller'],
  ])('hooks of %s reach one Deployment of the main set, which has their token', (topology, receiver) => {
    const objects = render(`topology=${topology}`, 'hooks.enabled=true', 'hooks.tokenSecret=tokens', 'shards={a}');
    const service = objects.find(
      (object) => object['kind'] === 'Service' && textAt(object, 'metadata', 'name') === 'delivery-hooks',
    );
    expect(valueAt(service, 'spec', 'selector')).toEqual({ app: receiver });
    const taking = objects.filter((object) => JSON.stringify(object).includes('--hook-addr=:9292'));
    expect(namesOf(taking, 'Deployment')).toEqual([receiver]);
    expect(JSON.stringify(taking)).toContain('"secretName":"tokens"');
    expect(runs(['template', 'x', chart, '--set', 'hooks.enabled=true,replicas=2'])).toBe(false);
  });

  test('replicas are spread over nodes, and scraped by release', () => {
    const objects = render('replicas=2', 'serviceMonitor.enabled=true');
    const pod = valueAt(
      objects.find(({ kind }) => kind === 'Deployment'),
      'spec',
      'template',
    );
    expect(valueAt(pod, 'spec', 'topologySpreadConstraints', 0)).toMatchObject({
      topologyKey: 'kubernetes.io/hostname',
      labelSelector: { matchLabels: { app: 'millrace' } },
    });
    const scraped = objects.find((object) => textAt(object, 'metadata', 'name') === 'delivery-millrace-metrics');
    expect(valueAt(pod, 'metadata', 'labels')).toMatchObject(valueAt(scraped, 'spec', 'selector') as object);
  });

  test.each([
    ['single', ['rbac.clusterAdmin=true', 'shards={a}', 'hooks.enabled=true']],
    ['split', ['rbac.clusterAdmin=false', 'shards={a}', 'hooks.enabled=true']],
    ['instance', []],
  ])('an API server takes everything of %s, with %j', async (topology, more) => {
    const objects = render(`topology=${topology}`, 'podDisruptionBudget.enabled=true', ...more);
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
