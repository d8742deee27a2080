import { expect, test } from 'vitest';
import { openEmbeddedCluster } from '../../../test/support/embedded-cluster.ts';
import { silentLogger } from '../../base/logger.ts';
import { createUnservedController } from './controller.ts';

const signal = new AbortController().signal;

test('kinds that nobody serves say so, once; registries of charts are data', async () => {
  const cluster = await openEmbeddedCluster();
  const { client, namespace } = cluster;
  const reconcile = async (kind: 'HelmRepository' | 'HelmChart', name: string) => {
    const controller = createUnservedController(kind, { client });
    const context = { signal, superseded: signal, logger: silentLogger };
    expect(await controller.reconcile({ namespace, name }, context)).toEqual({});
    await cluster.refresh(kind, name);
  };
  const put = (kind: string, name: string, spec: Record<string, unknown>) =>
    cluster.put({ apiVersion: 'source.toolkit.fluxcd.io/v1', kind, metadata: { name }, spec });
  await put('HelmRepository', 'charts', { url: 'https://charts.example' });
  await put('HelmRepository', 'registry', { url: 'oci://ghcr.io/charts', type: 'oci' });
  await put('HelmRepository', 'paused', { url: 'https://charts.example', suspend: true });
  const sourceRef = { kind: 'HelmRepository', name: 'charts' };
  await put('HelmChart', 'app', { chart: 'app', interval: '1m', sourceRef });
  await reconcile('HelmRepository', 'charts');
  await reconcile('HelmRepository', 'registry');
  await reconcile('HelmRepository', 'paused');
  await reconcile('HelmChart', 'app');
  for (const [kind, name] of [
    ['HelmRepository', 'charts'],
    ['HelmChart', 'app'],
  ] as const) {
    expect(cluster.condition(kind, name, 'Ready')).toMatchObject({ status: 'False', reason: 'KindNotServed' });
    expect(cluster.condition(kind, name, 'Stalled')?.message).toMatch(/are not served by this controller; /);
    expect(cluster.get(kind, name).status['observedGeneration']).toBe(1);
    expect(cluster.get(kind, name).metadata.finalizers).toBeUndefined();
  }
  expect(cluster.condition('HelmRepository', 'registry', 'Ready')).toBeUndefined();
  expect(cluster.condition('HelmRepository', 'paused', 'Ready')).toBeUndefined();
  cluster.patches.length = 0;
  await reconcile('HelmChart', 'app');
  expect(cluster.patches).toEqual([]);
  await reconcile('HelmChart', 'app');
  await cluster.annotate('HelmChart', 'app', { 'reconcile.fluxcd.io/requestedAt': 'now' });
  await reconcile('HelmChart', 'app');
  expect(cluster.get('HelmChart', 'app').status['lastHandledReconcileAt']).toBe('now');

  const finalizers = ['finalizers.fluxcd.io'];
  const spec = { url: 'https://charts.example' };
  const metadata = { name: 'of-flux', finalizers };
  await cluster.put({ apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'HelmRepository', metadata, spec });
  await cluster.delete('HelmRepository', 'of-flux');
  await reconcile('HelmRepository', 'of-flux');
  expect(() => cluster.get('HelmRepository', 'of-flux')).toThrow(/does not exist/);
});
