import { describe, expect, test } from 'vitest';
import { builtinKind, builtinKinds, builtinResource, builtinSchema } from './builtin-kinds.ts';

describe('built-in kinds', () => {
  test.each([
    ['v1', 'Namespace', false, 'namespaces'],
    ['v1', 'ConfigMap', true, 'configmaps'],
    ['apps/v1', 'Deployment', true, 'deployments'],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole', false, 'clusterroles'],
  ])('%s %s', (apiVersion, kind, namespaced, plural) => {
    expect(builtinKind(apiVersion, kind)).toMatchObject({ namespaced, plural });
    expect(builtinResource(apiVersion, plural)?.kind).toBe(kind);
  });

  test('a kind of somebody else is not known', () => {
    expect(builtinKind('example.com/v1', 'Deployment')).toBeUndefined();
    expect(builtinSchema('example.com/v1', 'Deployment')).toBeUndefined();
  });

  test('every kind has a schema whose references are all resolved', () => {
    for (const { apiVersion, kind } of builtinKinds()) {
      expect(builtinSchema(apiVersion, kind)?.properties, `${apiVersion} ${kind}`).toBeDefined();
      expect(builtinSchema(apiVersion, kind)?.properties?.['metadata']).toBeDefined();
    }
  });
});

describe('facts by path', () => {
  const containers = ['spec', 'template', 'spec', 'containers'];
  test.each([
    [containers, { listType: 'map', mapKeys: ['name'], patchMergeKey: 'name', patchStrategy: 'merge' }],
    [[...containers, '0', 'ports'], { mapKeys: ['containerPort', 'protocol'], patchMergeKey: 'containerPort' }],
    [[...containers, '0', 'args'], { listType: 'atomic' }],
    [['spec', 'selector'], { mapType: 'atomic', go: 'always' }],
    [['spec', 'strategy'], { patchStrategy: 'retainKeys', default: {} }],
    [['spec', 'replicas'], { type: 'integer', go: 'pointer' }],
    [['metadata', 'labels', 'app'], { type: 'string' }],
  ])('%j', (path, expected) => {
    expect(builtinSchema('apps/v1', 'Deployment', path)).toMatchObject(expected);
  });

  test('a path that leads nowhere', () => {
    expect(builtinSchema('apps/v1', 'Deployment', ['spec', 'nothing'])).toBeUndefined();
  });
});
