import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crds } from '../../api/crds.ts';
import type { Kustomization } from '../../api/kustomization.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { silentLogger } from '../../base/logger.ts';
import { createKubeClient } from '../../kube/api-client.ts';
import { parseKubeConfig } from '../../kube/kubeconfig.ts';
import { memoryFileSystem } from '../../kustomize/file-system.ts';
import { noEvents } from '../../runtime/events.ts';
import { type SandboxKubernetes, startKubernetes } from '../../sandbox/kubernetes/kubernetes.ts';
import { createKustomizationController } from './controller.ts';

let folder: string;
let server: SandboxKubernetes;
let client: ReturnType<typeof createKubeClient>;
let files: Record<string, string> = {};
const signal = new AbortController().signal;
const options = { signal, fieldManager: 'test' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-ks-'));
  server = await startKubernetes({ dataDir: folder });
  client = createKubeClient(await parseKubeConfig(server.kubeconfig(), { where: 'sandbox' }));
  for (const crd of crds()) await client.apply(crd, { ...options, force: true });
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flux-system' } }, options);
});
afterAll(async () => {
  await client.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const controller = () =>
  createKustomizationController({ client, events: noEvents, openArtifact: async () => memoryFileSystem(files) });

async function given(name: string, spec: Record<string, unknown>, revision: string): Promise<void> {
  const source = {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: `src-${name}`, namespace: 'flux-system' },
  };
  await client.apply(
    { ...source, spec: { url: 'https://example.com/x.git', interval: '1m' } },
    { ...options, force: true },
  );
  await setRevision(name, revision);
  const object = {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name, namespace: 'flux-system' },
  };
  const sourceRef = { kind: 'GitRepository', name: `src-${name}` };
  await client.apply(
    { ...object, spec: { interval: '1m', prune: true, sourceRef, ...spec } },
    { ...options, force: true },
  );
}

async function setRevision(name: string, revision: string): Promise<void> {
  const ref = {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    name: `src-${name}`,
    namespace: 'flux-system',
  };
  const artifact = {
    path: 'x',
    url: 'http://x/x',
    revision,
    digest: 'sha256:aa',
    lastUpdateTime: '2026-01-01T00:00:00Z',
  };
  await client.patch(ref, 'merge', { status: { artifact } }, { ...options, subresource: 'status' });
}

async function run(name: string): Promise<Kustomization> {
  await controller().reconcile(
    { namespace: 'flux-system', name },
    { signal, superseded: signal, logger: silentLogger },
  );
  const ref = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization', name, namespace: 'flux-system' };
  return (await client.get<Kustomization>(ref, { signal })) as Kustomization;
}

const configMap = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: default}\ndata: {k: "${value}"}\n`;
const getConfigMap = (name: string): Promise<KubeObject | undefined> =>
  client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name }, { signal });
const readyOf = (object: Kustomization) => object.status?.conditions?.find(({ type }) => type === 'Ready');

test('applies, corrects drift, prunes what is gone', async () => {
  files = { 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') };
  await given('basic', {}, 'main@sha1:1');
  expect(readyOf(await run('basic'))).toMatchObject({
    status: 'True',
    reason: 'ReconciliationSucceeded',
    message: 'Applied revision: main@sha1:1',
  });
  const applied = await getConfigMap('a');
  expect(applied?.metadata.labels).toMatchObject({ 'kustomize.toolkit.fluxcd.io/name': 'basic' });
  await run('basic');
  expect((await getConfigMap('a'))?.metadata.resourceVersion).toBe(applied?.metadata.resourceVersion);
  await client.patch(
    { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'a' },
    'merge',
    { data: { k: 'edited' } },
    options,
  );
  files = { 'a.yaml': configMap('a', '1') };
  await setRevision('basic', 'main@sha1:2');
  const after = await run('basic');
  expect((await getConfigMap('a'))?.['data']).toEqual({ k: '1' });
  expect(await getConfigMap('b')).toBeUndefined();
  expect(after.status?.inventory?.entries).toEqual([{ id: 'default_a__ConfigMap', v: 'v1' }]);
});

test('a stage with refused objects writes nothing and names every one of them', async () => {
  files = {
    'a.yaml': configMap('good', '1'),
    'b.yaml': configMap('bad-key', '1').replace('{k:', '{"bad key":'),
    'c.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: nowhere}\n',
  };
  await given('refused', {}, 'main@sha1:1');
  const object = await run('refused');
  expect(readyOf(object)).toMatchObject({ status: 'False', reason: 'ReconciliationFailed' });
  expect(readyOf(object)?.message).toMatch(/bad-key dry-run failed \(Invalid\)[\s\S]*nowhere/);
  expect(await getConfigMap('good')).toBeUndefined();
});

test('waits for a Deployment, and deletes everything with the Kustomization', async () => {
  files = {
    'd.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: default}\nspec: {replicas: 2, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x:1}]}}}\n',
  };
  await given('waits', { wait: true }, 'main@sha1:1');
  const healthy = async () => (await run('waits')).status?.conditions?.find(({ type }) => type === 'Healthy')?.status;
  await expect.poll(healthy, { timeout: 10_000 }).toBe('True');
  const { apiVersion, kind } = await run('waits');
  const ref = { apiVersion, kind, namespace: 'flux-system', name: 'waits' };
  await client.delete(ref, { signal });
  await controller().reconcile(
    { namespace: 'flux-system', name: 'waits' },
    { signal, superseded: signal, logger: silentLogger },
  );
  expect(await client.get(ref, { signal })).toBeUndefined();
  expect(
    await client.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'd' }, { signal }),
  ).toBeUndefined();
});

test('waits for its dependency', async () => {
  files = { 'a.yaml': configMap('dependant', '1') };
  await given('dependant', { dependsOn: [{ name: 'not-there' }] }, 'main@sha1:1');
  expect(readyOf(await run('dependant'))).toMatchObject({
    reason: 'DependencyNotReady',
    message: expect.stringContaining("dependency 'flux-system/not-there' not found"),
  });
});

test('a path that is not in the artifact is named', async () => {
  files = { 'a.yaml': configMap('p', '1') };
  await given('path', { path: './nope' }, 'main@sha1:1');
  expect(readyOf(await run('path'))).toMatchObject({
    reason: 'ArtifactFailed',
    message: expect.stringContaining('kustomization path not found'),
  });
});
