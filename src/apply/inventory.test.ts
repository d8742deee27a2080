import { expect, test } from 'vitest';
import type { KubeObject } from '../base/kube-object.ts';
import { entryOf, refOfEntry, staleEntries, unionOfEntries } from './inventory.ts';
import { comesWith, stagesOf } from './order.ts';

const object = (apiVersion: string, kind: string, name: string, namespace?: string): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
});

const ids: [KubeObject, string][] = [
  [object('v1', 'Namespace', 'apps'), '_apps__Namespace'],
  [object('apps/v1', 'Deployment', 'web', 'default'), 'default_web_apps_Deployment'],
  [object('v1', 'ConfigMap', 'cm', 'default'), 'default_cm__ConfigMap'],
  [
    object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'system:x:y'),
    '_system__x__y_rbac.authorization.k8s.io_ClusterRole',
  ],
];
test.each(ids)('%j is %s, and back', (subject, id) => {
  const { apiVersion, kind, metadata } = subject;
  const entry = entryOf(subject);
  expect(entry.id).toBe(id);
  expect(refOfEntry(entry)).toMatchObject({ apiVersion, kind, ...metadata });
});

test('text that is no id gives no object', () => {
  for (const id of ['', 'a', 'a_b', 'a_b_c']) expect(refOfEntry({ id, v: 'v1' })).toBeUndefined();
});

test('another version is the same object', () => {
  const before = [
    { id: 'a_b_c_D', v: 'v1beta1' },
    { id: 'a_x_c_D', v: 'v1' },
  ];
  const after = [{ id: 'a_b_c_D', v: 'v1' }];
  expect(staleEntries(before, after)).toEqual([{ id: 'a_x_c_D', v: 'v1' }]);
  expect(unionOfEntries(before, after)).toEqual([
    { id: 'a_b_c_D', v: 'v1' },
    { id: 'a_x_c_D', v: 'v1' },
  ]);
});

test('definitions, then classes, then what was asked for, then the rest, webhooks last', () => {
  const objects = [
    object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'w'),
    object('apps/v1', 'Deployment', 'b', 'ns'),
    object('apps/v1', 'Deployment', 'a', 'ns'),
    object('v1', 'ServiceAccount', 's', 'ns'),
    object('rbac.authorization.k8s.io/v1', 'Role', 'r', 'ns'),
    object('x.dev/v1', 'Thing', 't', 'ns'),
    object('gateway.networking.k8s.io/v1', 'GatewayClass', 'g'),
    object('v1', 'Namespace', 'ns'),
    object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'c'),
  ];
  const stages = stagesOf(objects, new Set(['rbac.authorization.k8s.io/Role']));
  expect(stages.map((stage) => [stage.awaited, stage.objects.map(({ metadata }) => metadata.name)])).toEqual([
    [true, ['ns', 'c']],
    [true, ['g']],
    [false, ['r']],
    [false, ['s', 'a', 'b', 't', 'w']],
  ]);
});

test('knows what a namespace or a definition is still to come for', () => {
  const definition = {
    ...object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'things.x.dev'),
    spec: { group: 'x.dev', names: { kind: 'Thing' } },
  };
  const isToCome = comesWith([object('v1', 'Namespace', 'new'), definition]);
  expect(isToCome(object('v1', 'ConfigMap', 'a', 'new'))).toBe(true);
  expect(isToCome(object('x.dev/v1', 'Thing', 'a', 'default'))).toBe(true);
  expect(isToCome(object('v1', 'ConfigMap', 'a', 'default'))).toBe(false);
});
