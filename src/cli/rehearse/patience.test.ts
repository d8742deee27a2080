import { expect, test } from 'vitest';
import type { KubeObject } from '../../base/kube-object.ts';
import { Patience } from './patience.ts';

const kustomization = (name: string, status: string, reason: string): KubeObject => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace: 'flux-system', generation: 1 },
  status: { conditions: [{ type: 'Ready', status, reason, message: '' }] },
});

test('who waits for another object has its time from when that one is settled', () => {
  const patience = new Patience();
  const waiting = kustomization('apps', 'False', 'DependencyNotReady');
  const [busy, broken] = [
    kustomization('infra', 'Unknown', 'Progressing'),
    kustomization('infra', 'False', 'BuildFailed'),
  ];
  for (const seconds of [0, 10, 20]) patience.look([waiting, busy], seconds * 1000);
  expect(patience.isOver(waiting)).toBe(false);
  for (const seconds of [21, 26]) patience.look([waiting, broken], seconds * 1000);
  expect([waiting, broken].map((one) => patience.isOver(one))).toEqual([false, true]);
  for (const seconds of [27, 32]) patience.look([waiting, broken], seconds * 1000);
  expect(patience.isOver(waiting)).toBe(true);
});
