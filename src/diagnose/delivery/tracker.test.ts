import { expect, test } from 'vitest';
import type { KubeObject } from '../../base/kube-object.ts';
import { DeliveryTracker } from './tracker.ts';

const key = (name: string, namespace = 'flux-system') => ({ namespace, name });
const target = {
  tag: '1.0.1',
  imageRepository: key('mainapp'),
  imagePolicy: key('mainapp'),
  imageUpdateAutomation: key('fleet'),
  gitRepository: key('fleet'),
  kustomization: key('apps'),
  deployment: key('mainapp', 'apps'),
};
const commit = 'a'.repeat(40);

function object(kind: string, name: string, fields: Record<string, unknown>, namespace = 'flux-system'): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace, generation: 2 }, ...fields };
}

const scanned = object('ImageRepository', 'mainapp', {
  spec: { image: 'r/mainapp' },
  status: { lastScanResult: { latestTags: ['1.0.1', '1.0.0'], tagCount: 2 } },
});
const chosen = object('ImagePolicy', 'mainapp', {
  status: { latestRef: { tag: '1.0.1' }, observedPreviousRef: { tag: '1.0.0' } },
});
const committed = object('ImageUpdateAutomation', 'fleet', {
  status: { lastPushCommit: commit, observedPolicies: { mainapp: { tag: '1.0.1' } } },
});
const fetched = object('GitRepository', 'fleet', { status: { artifact: { revision: `main@sha1:${commit}` } } });
const built = object('Kustomization', 'apps', {
  spec: { path: './apps' },
  status: {
    lastAttemptedRevision: `main@sha1:${commit}`,
    conditions: [{ type: 'Reconciling', message: 'Detecting drift for revision x' }],
  },
});
const deployment = (available: number) =>
  object(
    'Deployment',
    'mainapp',
    {
      spec: { replicas: 2, template: { spec: { containers: [{ image: 'r/mainapp:1.0.1' }] } } },
      status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: available },
    },
    'apps',
  );

test('every hop is seen once, with the time of its first sight', () => {
  const tracker = new DeliveryTracker(target);
  tracker.pushed(1, 'pushed');
  const states = [scanned, chosen, committed, fetched, built, deployment(1), deployment(2), deployment(2)];
  for (const [index, state] of states.entries()) tracker.observe(state, index + 2);
  expect(tracker.hops.map(({ name, atMs }) => [name, atMs])).toEqual([
    ['pushed', 1],
    ['scanned', 2],
    ['chosen', 3],
    ['committed', 4],
    ['fetched', 5],
    ['built', 6],
    ['applied', 7],
    ['running', 8],
  ]);
  expect(tracker.isComplete).toBe(true);
  expect(tracker.waiting).toBeUndefined();
});

test('states that arrive before the commit is known are not lost', () => {
  const tracker = new DeliveryTracker(target);
  for (const state of [fetched, built]) tracker.observe(state, 1);
  expect(tracker.hops).toEqual([]);
  tracker.observe(committed, 2);
  expect(tracker.hops.map(({ name }) => name)).toEqual([
    'pushed',
    'scanned',
    'chosen',
    'committed',
    'fetched',
    'built',
  ]);
});

test('a stopped delivery names the hop and what its object says', () => {
  const tracker = new DeliveryTracker(target);
  tracker.pushed(1, '');
  const failing = object('ImageRepository', 'mainapp', {
    status: {
      conditions: [{ type: 'Ready', status: 'False', reason: 'ReadOperationFailed', message: 'scan failed: 403' }],
    },
  });
  tracker.observe(failing, 2);
  expect(tracker.waiting).toEqual({
    hop: 'scanned',
    why: 'ImageRepository/flux-system/mainapp: ReadOperationFailed: scan failed: 403',
  });
});

test('objects of the same kind but another name are not ours', () => {
  const tracker = new DeliveryTracker(target);
  tracker.observe({ ...scanned, metadata: { name: 'other', namespace: 'flux-system' } }, 1);
  expect(tracker.hops).toEqual([]);
});
