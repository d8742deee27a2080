import { beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../base/kube-object.ts';
import { type DeliveryReport, DeliveryReports } from './delivery-reports.ts';

const commit = 'a'.repeat(40);
const image = 'r.io/team/app';
let told: DeliveryReport[];
let reports: DeliveryReports;
beforeEach(() => {
  told = [];
  reports = new DeliveryReports((report) => told.push(report));
});

function object(kind: string, spec: object, status: object): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'app', namespace: 'flux-system', generation: 1 }, spec, status };
}

const repository = (scanTime: string) => object('ImageRepository', { image }, { lastScanResult: { scanTime } });
const policy = (tag: string) =>
  object('ImagePolicy', { imageRepositoryRef: { name: 'app' } }, { latestRef: { name: image, tag } });
const automation = (lastPushCommit: string, tag: string) =>
  object('ImageUpdateAutomation', {}, { lastPushCommit, observedPolicies: { app: { name: image, tag } } });
const source = (sha: string) => object('GitRepository', {}, { artifact: { revision: `main@sha1:${sha}` } });
const kustomization = (applied: string, attempted = applied, ready = { status: 'True', reason: 'Done', message: '' }) =>
  object(
    'Kustomization',
    {},
    {
      lastAppliedRevision: `main@sha1:${applied}`,
      lastAttemptedRevision: `main@sha1:${attempted}`,
      conditions: [{ type: 'Ready', ...ready }],
    },
  );
function deployment(tag: string, available: number, name = 'web'): KubeObject {
  const labels = {
    'kustomize.toolkit.fluxcd.io/name': 'app',
    'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'apps', generation: 2, labels },
    spec: { replicas: 2, template: { spec: { containers: [{ image: `${image}:${tag}` }] } } },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: available },
  } as KubeObject;
}

const changed = (before: KubeObject, after: KubeObject, atMs: number) => reports.observe({ before, after }, atMs);

function commitAt(atMs: number): void {
  changed(automation('b', '1.0.0'), automation(commit, '1.0.1'), atMs);
}

function applyAt(atMs: number): void {
  changed(source('b'), source(commit), atMs - 400);
  changed(kustomization('b'), kustomization(commit), atMs);
}

test('a delivery is told once, when all workloads that carry the image run with it', () => {
  reports.pushed(image, '1.0.1', 0);
  changed(repository('1'), repository('2'), 500);
  changed(policy('1.0.0'), policy('1.0.1'), 600);
  commitAt(1000);
  applyAt(1700);
  expect(reports.awaitsWorkloads).toBe(true);
  reports.observeWorkloads([deployment('1.0.1', 1), deployment('1.0.0', 2, 'other')], 2000);
  expect(told).toEqual([]);
  reports.observeWorkloads([deployment('1.0.1', 2), deployment('1.0.0', 2, 'other')], 4200);
  reports.observeWorkloads([deployment('1.0.1', 2)], 5000);
  expect(told).toMatchObject([
    {
      outcome: 'delivered',
      commit,
      images: [`${image}:1.0.1`],
      durationMs: 4200,
      message:
        'delivered app:1.0.1 in 4.2s: pushed, scanned after 500ms, chosen after 100ms, committed aaaaaaa after 400ms, ' +
        'fetched after 300ms, applied after 400ms, running after 2.5s',
    },
  ]);
  expect(reports.isFollowing).toBe(false);
});

test('what is fetched and applied before the commit is told counts', () => {
  applyAt(900);
  commitAt(1000);
  reports.observeWorkloads([deployment('1.0.1', 2)], 1200);
  expect(told.map(({ message }) => message)).toEqual([
    'delivered app:1.0.1 in 200ms: committed aaaaaaa, fetched after 0s, applied after 0s, running after 200ms',
  ]);
});

test('what no workload carries is delivered when it has been applied for a while', () => {
  commitAt(0);
  applyAt(1000);
  reports.tick(30_000);
  expect(told).toEqual([]);
  reports.tick(31_000);
  expect(told).toMatchObject([{ outcome: 'delivered', durationMs: 1000 }]);
});

test('a Kustomization that fails stops it, told once a reason; it may go on', () => {
  commitAt(0);
  changed(source('b'), source(commit), 300);
  const failed = kustomization('b', commit, { status: 'False', reason: 'BuildFailed', message: 'no such file' });
  changed(kustomization('b'), failed, 500);
  changed(failed, failed, 60_000);
  expect(told.map(({ outcome, message }) => [outcome, message])).toEqual([
    [
      'stopped',
      'delivery of app:1.0.1 stopped after committed aaaaaaa, fetched after 300ms: ' +
        'Kustomization/flux-system/app: BuildFailed: no such file',
    ],
  ]);
  changed(failed, kustomization(commit), 70_000);
  reports.observeWorkloads([deployment('1.0.1', 2)], 70_500);
  expect(told.map(({ outcome }) => outcome)).toEqual(['stopped', 'delivered']);
});

test.each([
  ['not fetched', () => {}, 'no GitRepository has fetched the commit'],
  ['not applied', () => changed(source('b'), source(commit), 10), 'no Kustomization has applied the commit'],
  [
    'not rolled out',
    () => {
      applyAt(1000);
      reports.observeWorkloads([deployment('1.0.1', 1)], 2000);
    },
    'not rolled out: Deployment/apps/web',
  ],
])('%s for ten minutes', (_what, happen, why) => {
  commitAt(0);
  happen();
  reports.tick(599_999);
  expect(told).toEqual([]);
  reports.tick(600_000);
  reports.tick(700_000);
  expect(told).toMatchObject([{ outcome: 'stopped', message: expect.stringContaining(why) }]);
});

test('a commit without a new tag, and what was there at the start, is no delivery', () => {
  changed(automation('b', '1.0.1'), automation(commit, '1.0.1'), 0);
  reports.observe({ before: undefined, after: automation(commit, '1.0.1') }, 0);
  expect(reports.isFollowing).toBe(false);
});
