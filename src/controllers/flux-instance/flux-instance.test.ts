import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crds } from '../../api/crds.ts';
import type { FluxInstance } from '../../api/flux-instance.ts';
import type { FluxReport } from '../../api/flux-report.ts';
import { errorMessage } from '../../base/error.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { silentLogger } from '../../base/logger.ts';
import { createKubeClient } from '../../kube/api-client.ts';
import { parseKubeConfig } from '../../kube/kubeconfig.ts';
import { type SandboxKubernetes, startKubernetes } from '../../sandbox/kubernetes/kubernetes.ts';
import { createFluxInstanceController } from './controller.ts';
import { createFluxReportController } from './report/controller.ts';

let folder: string;
let server: SandboxKubernetes;
let client: ReturnType<typeof createKubeClient>;
const events: string[] = [];
const signal = new AbortController().signal;
const options = { signal, fieldManager: 'test', force: true };
const namespace = 'flux-system';
const instanceRef = { apiVersion: 'fluxcd.controlplane.io/v1', kind: 'FluxInstance', name: 'flux', namespace };
const key = { namespace, name: 'flux' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-instance-'));
  server = await startKubernetes({ dataDir: folder });
  client = createKubeClient(await parseKubeConfig(server.kubeconfig(), { where: 'sandbox' }));
  for (const crd of crds()) if (crd.metadata.name.endsWith('fluxcd.controlplane.io')) await client.apply(crd, options);
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, options);
});
afterAll(async () => {
  await client.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const deps = () => ({
  client,
  version: '1.0.0',
  events: {
    event: (_: KubeObject, type: string, reason: string, message: string) =>
      void events.push(`${type} ${reason} ${message}`),
  },
});
const context = (superseded = signal) => ({ signal, superseded, logger: silentLogger });

const components = ['source-controller', 'kustomize-controller', 'image-reflector-controller'];
const spec = { distribution: { version: '2.x', registry: 'registry.example' }, components };

async function given(fields: Record<string, unknown>, annotations: Record<string, string> = {}): Promise<void> {
  const { apiVersion, kind } = instanceRef;
  await client.apply(
    { apiVersion, kind, metadata: { name: 'flux', namespace, annotations }, spec: { ...spec, ...fields } },
    options,
  );
}
async function run(superseded?: AbortSignal): Promise<FluxInstance | undefined> {
  await createFluxInstanceController(deps())
    .reconcile(key, context(superseded))
    .catch((error: unknown) => {
      if (!errorMessage(error).startsWith('reconciliation failed')) throw error;
    });
  return client.get<FluxInstance>(instanceRef, { signal });
}
const ready = (object: FluxInstance | undefined) => object?.status?.conditions?.find(({ type }) => type === 'Ready');
const exists = async (apiVersion: string, kind: string, name: string) =>
  (await client.get({ apiVersion, kind, name, namespace }, { signal })) !== undefined;

describe('what the API refuses', () => {
  test.each([
    [{}, 'other', "the only accepted name for a FluxInstance is 'flux'"],
    [
      { sharding: { shards: ['a'], storage: 'persistent' } },
      'flux',
      ".spec.storage must be set when .spec.sharding.storage is 'persistent'",
    ],
    [
      { cluster: { multitenantWorkloadIdentity: true } },
      'flux',
      '.objectLevelWorkloadIdentity must be set to true when .multitenantWorkloadIdentity is set to true',
    ],
    [
      { sync: { kind: 'GitRepository', url: 'u', ref: 'r', path: 'p', provider: 'gcp' } },
      'flux',
      "sync.provider 'gcp' is only supported for OCIRepository and Bucket",
    ],
    [
      { sync: { kind: 'Bucket', url: 'u', ref: 'r', path: 'p', provider: 'github' } },
      'flux',
      "sync.provider 'github' is only supported for GitRepository",
    ],
  ])('%j %s', async (fields, name, message) => {
    const { apiVersion, kind } = instanceRef;
    const object = { apiVersion, kind, metadata: { name, namespace }, spec: { ...spec, ...fields } };
    await expect(client.create(object, { ...options, dryRun: true })).rejects.toThrow(message);
  });
});

test('installs what is asked for, waits for it, and remembers it', async () => {
  await given({});
  const object = await run();
  expect(ready(object)).toMatchObject({ status: 'True', reason: 'ReconciliationSucceeded' });
  expect(ready(object)?.message).toMatch(/^Reconciliation finished in /);
  expect(object?.metadata.finalizers).toEqual(['fluxcd.controlplane.io/finalizer']);
  expect(object?.status).toMatchObject({
    lastAttemptedRevision: object?.status?.lastAppliedRevision,
    components: components.map((name) => ({ name, repository: 'registry.example/millrace', tag: '1.0.0' })),
    history: [
      {
        lastReconciledStatus: 'ReconciliationSucceeded',
        totalReconciliations: 1,
        metadata: { flux: expect.stringMatching(/^v2/) },
      },
    ],
  });
  expect(object?.status?.inventory?.entries).toContainEqual({
    id: 'flux-system_source-controller_apps_Deployment',
    v: 'v1',
  });
  const deployment = await client.get(
    { apiVersion: 'apps/v1', kind: 'Deployment', name: 'source-controller', namespace },
    { signal },
  );
  expect(deployment?.['status']).toMatchObject({ readyReplicas: 1 });
  expect(events).toContainEqual(expect.stringMatching(/^Normal Progressing Installing revision v2/));
  expect(events).toContainEqual(
    expect.stringMatching(
      /^Normal ReconciliationSucceeded Flux v2[^\n]* installed\n.*Deployment\/flux-system\/source-controller created/s,
    ),
  );
});

test('a run without news writes nothing and is counted', async () => {
  const before = events.length;
  const object = await run();
  expect(object?.status?.history).toMatchObject([{ totalReconciliations: 2 }]);
  expect(events.slice(before)).toEqual([]);
});

test('a component that is taken off the list goes, but for what is protected', async () => {
  await client.patch(
    { apiVersion: 'v1', kind: 'ServiceAccount', name: 'image-reflector-controller', namespace },
    'merge',
    { metadata: { annotations: { 'fluxcd.controlplane.io/prune': 'disabled' } } },
    options,
  );
  await given({ components: components.slice(0, 2) });
  const object = await run();
  expect(ready(object)?.status).toBe('True');
  expect(await exists('apps/v1', 'Deployment', 'image-reflector-controller')).toBe(false);
  expect(await exists('v1', 'ServiceAccount', 'image-reflector-controller')).toBe(true);
  expect(object?.status?.history).toHaveLength(2);
});

test('components that are not served are named, patches that match nothing too', async () => {
  const target = { kind: 'ServiceAccount', name: 'source-controller', namespace };
  const patch = 'apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: x\n  labels: {a: b}\n';
  await given({
    components: [...components.slice(0, 2), 'helm-controller'],
    kustomize: { patches: [{ patch, target }] },
  });
  expect(ready(await run())?.message).toMatch(
    /^Reconciliation finished in .*; spec.kustomize.patches\[0\] .* matches no object/,
  );
  expect(events).toContainEqual(
    'Warning ComponentsNotServed not served by Millrace, so not installed: helm-controller',
  );
});

test('a version that is not served stalls, and what runs stays', async () => {
  await given({ distribution: { version: '2.4.0', registry: 'registry.example' } });
  const object = await run();
  expect(ready(object)).toMatchObject({
    status: 'False',
    reason: 'BuildFailed',
    message: expect.stringContaining('no match found for semver: 2.4.0'),
  });
  expect(object?.status?.conditions?.map(({ type }) => type)).toContain('Stalled');
  expect(await exists('apps/v1', 'Deployment', 'source-controller')).toBe(true);
});

test('an object that is refused fails the run and is named', async () => {
  const patch = '- op: replace\n  path: /spec/replicas\n  value: -1\n';
  await given({ kustomize: { patches: [{ patch, target: { kind: 'Deployment' } }] } });
  const object = await run();
  expect(ready(object)).toMatchObject({ status: 'False', reason: 'ReconciliationFailed' });
  expect(ready(object)?.message).toMatch(/^reconciliation failed: Deployment\/flux-system\/.*spec.replicas/s);
  expect(object?.status?.conditions?.find(({ type }) => type === 'Reconciling')?.reason).toBe('ProgressingWithRetry');
});

describe('waiting', () => {
  const broken = { kind: 'Deployment' };
  const patch =
    '- op: add\n  path: /spec/template/spec/nodeSelector/none\n  value: x\n- op: replace\n  path: /spec/replicas\n  value: 0\n';

  test('a new request ends it', async () => {
    const sync = { kind: 'GitRepository', url: 'https://x.example/r.git', ref: 'refs/heads/main', path: 'c' };
    await given({ kustomize: { patches: [{ patch, target: broken }] }, sync });
    const superseded = new AbortController();
    setTimeout(() => superseded.abort(), 300);
    expect(ready(await run(superseded.signal))).toMatchObject({
      reason: 'HealthCheckCanceled',
      message: 'New reconciliation triggered by FluxInstance/flux-system/flux',
    });
  });
  test('what never becomes healthy is named when the time is up', async () => {
    await given(
      { sync: { kind: 'GitRepository', url: 'https://x.example/r.git', ref: 'refs/heads/main', path: 'c' } },
      { 'fluxcd.controlplane.io/reconcileTimeout': '1s' },
    );
    expect(ready(await run())?.message).toContain("GitRepository/flux-system/flux-system status: 'InProgress'");
  });
  test('is left out where it is not wanted', async () => {
    await given({
      wait: false,
      sync: { kind: 'GitRepository', url: 'https://x.example/r.git', ref: 'refs/heads/main', path: 'c' },
    });
    expect(ready(await run())?.status).toBe('True');
  });
});

test('the report tells what is installed, how it does, and what is synchronised', async () => {
  const registry = new Registry();
  await createFluxReportController({ ...deps(), registry }).reconcile(key, context());
  const metrics = await registry.metrics();
  expect(metrics).toMatch(
    /^flux_instance_info{.*kind="FluxInstance",name="flux",exported_namespace="flux-system",ready="True",reason="ReconciliationSucceeded",suspended="False",revision="v2.*@sha256:.*",registry="registry.example"} 1$/m,
  );
  expect(metrics).toMatch(
    /^flux_resource_info{.*kind="GitRepository",name="flux-system",.*ready="Unknown",.*url="https:\/\/x.example\/r.git",ref="refs\/heads\/main"} 1$/m,
  );
  expect(metrics).toContain('flux_operator_info{version="1.0.0",platform="linux/');
  const report = await client.get<FluxReport>({ ...instanceRef, kind: 'FluxReport' }, { signal });
  expect(report?.spec).toMatchObject({
    distribution: {
      entitlement: 'Unknown',
      status: 'Installed',
      managedBy: 'flux-operator',
      version: expect.stringMatching(/^v2/),
    },
    cluster: { nodes: 1 },
    operator: { apiVersion: 'fluxcd.controlplane.io/v1', version: '1.0.0' },
    sync: {
      id: 'kustomization/flux-system',
      path: 'c',
      ready: false,
      status: 'not initialized',
      source: 'https://x.example/r.git',
    },
  });
  expect(report?.spec.components?.map(({ name, ready: isReady }) => [name, isReady])).toEqual(
    ['image-reflector-controller', 'kustomize-controller', 'source-controller'].map((name) => [name, true]),
  );
  expect(report?.spec.reconcilers).toContainEqual({
    apiVersion: 'fluxcd.controlplane.io/v1',
    kind: 'FluxInstance',
    stats: { running: 1, failing: 0, suspended: 0 },
  });
  expect(report?.status?.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'Succeeded' }]);
});

test('while disabled nothing is done, and nothing is removed with it', async () => {
  await given({ components: ['source-controller'], wait: false }, { 'fluxcd.controlplane.io/reconcile': 'Disabled' });
  const before = await client.get<FluxInstance>(instanceRef, { signal });
  const object = await run();
  expect(object?.status?.lastAppliedRevision).toBe(before?.status?.lastAppliedRevision);
  expect(events.at(-1)).toBe('Warning ReconciliationDisabled Reconciliation is disabled');
});

test('deleted, it takes away what it installed, leaves the namespace, and releases objects of the kinds that go', async () => {
  await given({ wait: false });
  await run();
  const kustomization = {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'held', namespace, finalizers: ['finalizers.fluxcd.io'] },
    spec: { interval: '1m', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } },
  };
  await client.create(kustomization, options);
  await client.delete(instanceRef, { signal });
  await run();
  expect(await client.get(instanceRef, { signal })).toBeUndefined();
  expect(await exists('apps/v1', 'Deployment', 'source-controller')).toBe(false);
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    name: 'kustomizations.kustomize.toolkit.fluxcd.io',
  };
  expect(await client.get(crd, { signal })).toBeUndefined();
  expect(await client.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace }, { signal })).toBeDefined();
});
