import { expect, test } from 'vitest';
import type { KubeObject } from '../../base/kube-object.ts';
import { scopeFilter } from './scope.ts';

function object(kind: string, namespace: string, name: string, spec: object = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { namespace, name }, spec };
}

const fleet = object('GitRepository', 'flux-system', 'fleet');
const infra = object('Kustomization', 'flux-system', 'infra', { sourceRef: { kind: 'GitRepository', name: 'fleet' } });
const apps = object('Kustomization', 'team', 'apps', {
  sourceRef: { kind: 'GitRepository', name: 'fleet', namespace: 'flux-system' },
  dependsOn: [{ name: 'infra', namespace: 'flux-system' }],
});
const other = object('Kustomization', 'flux-system', 'other', { sourceRef: { kind: 'GitRepository', name: 'other' } });
const objects = { GitRepository: [fleet], Kustomization: [infra, apps, other] };
const names = (isMeant: (one: KubeObject) => boolean) =>
  [fleet, infra, apps, other].filter(isMeant).map(({ metadata }) => metadata.name);

test('a namespace is looked at with what its objects depend on elsewhere', () => {
  expect(names(scopeFilter({ namespace: 'team' }, objects))).toEqual(['fleet', 'infra', 'apps']);
});

test('so is one object; what depends on each other ends', () => {
  expect(names(scopeFilter({ object: { kind: 'Kustomization', name: 'other' } }, objects))).toEqual(['other']);
  const self = object('Kustomization', 'a', 'self', { dependsOn: [{ name: 'self' }] });
  expect(scopeFilter({ namespace: 'a' }, { Kustomization: [self] })(self)).toBe(true);
});

test('without a scope everything is meant', () => {
  expect(names(scopeFilter({}, objects))).toHaveLength(4);
});
