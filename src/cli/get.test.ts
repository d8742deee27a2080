import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../test/support/run-cli.ts';
import { crds } from '../api/crds.ts';
import { newLifetime } from '../base/deadline.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { silentLogger } from '../base/logger.ts';
import { type ConnectedKubeClient, createKubeClient } from '../kube/api-client.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { setCondition } from '../runtime/conditions.ts';
import type { Controller } from '../runtime/controller.ts';
import { createManager } from '../runtime/manager.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { requestedAt } from '../runtime/request.ts';
import { createStatusPatcher } from '../runtime/status-patch.ts';
import { startKubernetes } from '../sandbox/kubernetes/kubernetes.ts';

const source = 'source.toolkit.fluxcd.io/v1';
const kustomize = 'kustomize.toolkit.fluxcd.io/v1';
const commit = '0123456789abcdef0123456789abcdef01234567';
const { signal } = newLifetime();

let dir: string;
let kubernetes: Awaited<ReturnType<typeof startKubernetes>>;
let kubeconfig: string;
let client: ConnectedKubeClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-get-'));
  kubernetes = await startKubernetes({ dataDir: join(dir, 'data') });
  kubeconfig = join(dir, 'kubeconfig');
  await writeFile(kubeconfig, kubernetes.kubeconfig());
  client = createKubeClient(await loadKubeConfig({ path: kubeconfig, env: {} }));
  for (const crd of crds()) await client.create(crd, { signal });
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flux-system' } }, { signal });
  await put(source, 'GitRepository', 'fleet', {
    url: 'https://git.example/fleet.git',
    interval: '1m',
    ref: { branch: 'main' },
  });
  await put(kustomize, 'Kustomization', 'apps', {
    interval: '1m',
    path: './apps',
    prune: true,
    sourceRef: { kind: 'GitRepository', name: 'fleet' },
  });
});
afterAll(async () => {
  await client?.close();
  await kubernetes?.close();
  await rm(dir, { recursive: true, force: true });
});

async function put(apiVersion: string, kind: string, name: string, spec: Record<string, unknown>): Promise<void> {
  await client.create({ apiVersion, kind, metadata: { name, namespace: 'flux-system' }, spec }, { signal });
}

async function putStatus(
  apiVersion: string,
  kind: string,
  name: string,
  status: Record<string, unknown>,
): Promise<void> {
  const ref = { apiVersion, kind, namespace: 'flux-system', name };
  await client.patch(ref, 'merge', { status }, { signal, subresource: 'status' });
}

const millrace = (...argv: string[]) => runCli([...argv, '--kubeconfig', kubeconfig, '-n', 'flux-system']);
const words = (text: string) => text.split('\n').map((line) => line.trim().split(/ {3,}/));

const ready = (message: string, status = 'True', generation = 1) => ({
  type: 'Ready',
  status,
  reason: 'Succeeded',
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: generation,
});

test('get shows tables as flux does', async () => {
  expect(words((await millrace('get', 'sources')).out)).toEqual([
    ['NAME', 'REVISION', 'SUSPENDED', 'READY', 'MESSAGE'],
    ['gitrepository/fleet', 'False', 'False', 'waiting to be reconciled'],
    [''],
  ]);
  const artifact = {
    revision: `main@sha1:${commit}`,
    digest: `sha256:${'a'.repeat(64)}`,
    path: 'x.tar.gz',
    url: 'http://x/x.tar.gz',
    lastUpdateTime: '2026-01-01T00:00:00Z',
  };
  await putStatus(source, 'GitRepository', 'fleet', { artifact, conditions: [ready('stored artifact')] });
  await putStatus(kustomize, 'Kustomization', 'apps', {
    lastAppliedRevision: `main@sha1:${commit}`,
    conditions: [ready('kustomize build failed:\nmore', 'False')],
    inventory: {
      entries: [
        { id: 'default_web_apps_Deployment', v: 'v1' },
        { id: 'flux-system_fleet_source.toolkit.fluxcd.io_GitRepository', v: 'v1' },
      ],
    },
  });
  const all = await millrace('get', 'all');
  expect(all.code).toBe(0);
  expect(words(all.out)).toEqual([
    ['NAME', 'REVISION', 'SUSPENDED', 'READY', 'MESSAGE'],
    ['gitrepository/fleet', 'main@sha1:01234567', 'False', 'True', 'stored artifact'],
    [''],
    ['NAME', 'REVISION', 'SUSPENDED', 'READY', 'MESSAGE'],
    ['kustomization/apps', 'main@sha1:01234567', 'False', 'False', 'kustomize build failed: …'],
    [''],
  ]);
  expect((await millrace('get', 'all', '--status-selector', 'ready=false')).out).not.toContain('fleet');
  expect((await runCli(['get', 'ks', '-A', '--kubeconfig', kubeconfig])).out).toMatch(/^NAMESPACE +NAME/);
});

test('get prints objects as data, and says when there is none', async () => {
  const { out } = await millrace('get', 'ks', 'apps', '-o', 'json');
  expect(JSON.parse(out)).toMatchObject({ kind: 'Kustomization', metadata: { name: 'apps' } });
  expect(JSON.parse((await millrace('get', 'images', '-o', 'json')).out)).toMatchObject({ kind: 'List', items: [] });
  expect(await millrace('get', 'ks', 'nothing')).toMatchObject({
    code: 1,
    out: 'no kustomizations named nothing found in namespace flux-system\n',
  });
  expect(await millrace('get', 'nonsense')).toMatchObject({ code: 2 });
});

test('tree follows inventories', async () => {
  expect((await millrace('tree', 'ks/apps')).out).toBe(
    [
      'Kustomization/flux-system/apps  (not ready: kustomize build failed:)',
      '├── Deployment/default/web',
      '└── GitRepository/flux-system/fleet',
      '',
    ].join('\n'),
  );
  expect((await millrace('tree', 'ks/apps', '--compact')).out).not.toContain('Deployment');
});

test('events are those of the delivery', async () => {
  const event = (name: string, kind: string, message: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.1`, namespace: 'flux-system' },
    involvedObject: { kind, name, namespace: 'flux-system' },
    type: 'Warning',
    reason: 'BuildFailed',
    message,
    lastTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    count: 3,
  });
  await client.create(event('apps', 'Kustomization', 'no such file\nmore'), { signal });
  await client.create(event('web', 'Pod', 'unrelated'), { signal });
  const { out } = await millrace('events');
  expect(words(out)[1]?.slice(1)).toEqual(['3', 'Warning', 'BuildFailed', 'Kustomization/apps', 'no such file']);
  expect(out).not.toContain('unrelated');
  expect((await millrace('events', '--for', 'GitRepository/fleet')).out).toBe('no events found\n');
});

/** Answers requests at once, as a controller would. */
function answering(kind: string, apiVersion: string, handled: string[]): Controller {
  return {
    name: 'test-controller',
    kind: { apiVersion, kind },
    concurrency: 1,
    async reconcile(key, context) {
      const object = await client.get({ apiVersion, kind, ...key }, context);
      if (object === undefined) return {};
      const patcher = createStatusPatcher(client, object, 'test-controller');
      setCondition(object, { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'done' });
      const { generation } = object.metadata;
      object['status'] = {
        ...(object['status'] as object),
        observedGeneration: generation,
        lastHandledReconcileAt: requestedAt(object),
      };
      if (requestedAt(object) !== undefined) handled.push(kind);
      await patcher.patch(object, context);
      return {};
    },
  };
}

test('reconcile, suspend and resume speak to the controllers', async () => {
  const handled: string[] = [];
  const stop = newLifetime();
  const controllers = [answering('GitRepository', source, handled), answering('Kustomization', kustomize, handled)];
  const running = createManager({ client, controllers, logger: silentLogger, metrics: createMetrics() }).run(
    stop.signal,
  );
  const result = await millrace('reconcile', 'Kustomization/apps', '--with-source', '--timeout', '10s');
  expect(result).toMatchObject({ code: 0, err: 'requested GitRepository/fleet\nrequested Kustomization/apps\n' });
  expect(result.out).toBe(`Kustomization/apps reconciled: revision main@sha1:${commit}\n`);
  expect([...new Set(handled)]).toEqual(['GitRepository', 'Kustomization']);

  expect(await millrace('suspend', 'ks/apps')).toMatchObject({ code: 0, out: 'Kustomization/apps suspended\n' });
  expect((await millrace('get', 'ks')).out).toMatch(/apps .* True +True/);
  expect(await millrace('reconcile', 'ks/apps')).toMatchObject({
    code: 1,
    err: expect.stringContaining('OBJECT_SUSPENDED'),
  });
  expect(await millrace('resume', 'ks/apps', '--timeout', '10s')).toMatchObject({
    code: 0,
    out: 'Kustomization/apps resumed\n',
  });
  expect(await millrace('reconcile', 'ks/nothing')).toMatchObject({
    code: 1,
    err: expect.stringContaining('KUBE_NOT_FOUND'),
  });
  stop.abort();
  await running;
});
