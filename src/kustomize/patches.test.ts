import { describe, expect, test } from 'vitest';
import { build } from './build.ts';
import { memoryFileSystem } from './file-system.ts';

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

function built(kustomization: string, resources = configMap('a')): string {
  const fs = memoryFileSystem({ 'kustomization.yaml': `resources: [r.yaml]\n${kustomization}`, 'r.yaml': resources });
  return build({ fs, dir: '.' });
}

function jsonPatch(...operations: string[]): string {
  return `patches:\n- target: {kind: ConfigMap}\n  patch: |\n${operations.map((one) => `    - {${one}}\n`).join('')}`;
}

describe('a JSON patch of annotations', () => {
  test('adds one to an object that has none', () => {
    const text = built(jsonPatch('op: add, path: /metadata/annotations/note, value: here'));
    expect(text).toBe('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations:\n    note: here\n  name: a\n');
  });

  test('leaves nothing behind where the last one is removed', () => {
    const operations = [
      'op: add, path: /metadata/annotations/n1, value: x',
      'op: remove, path: /metadata/annotations/n1',
    ];
    expect(built(jsonPatch(...operations))).toBe(configMap('a'));
  });

  test('replaces the origin with all the others', () => {
    const text = built(
      `buildMetadata: [originAnnotations]\n${jsonPatch('op: add, path: /metadata/annotations, value: {note: here}')}`,
    );
    expect(text).toContain('configuredIn: kustomization.yaml\n');
    expect(text).not.toContain('path: r.yaml');
  });

  test('that is not about annotations keeps the origin', () => {
    const text = built(`buildMetadata: [originAnnotations]\n${jsonPatch('op: add, path: /data, value: {k: v}')}`);
    expect(text).toContain('path: r.yaml');
  });
});

test('a patch may not give two objects one name', () => {
  const patch = `patches:
- target: {kind: ConfigMap}
  options: {allowNameChange: true}
  patch: |
    kind: ConfigMap
    apiVersion: v1
    metadata: {name: same}
`;
  expect(() => built(patch, `${configMap('a')}---\n${configMap('b')}`)).toThrow(/already registered id: ConfigMap/);
});

describe('the directives that kubectl writes into merge patches', () => {
  const pod = `apiVersion: v1
kind: Pod
metadata:
  name: a
  finalizers: [x/one, x/two]
spec:
  volumes:
  - {name: data, emptyDir: {}}
  containers:
  - {name: log, image: log}
  - {name: app, image: app}
`;
  const patched = (patch: string) => built(`patches:\n- patch: '${JSON.stringify(patchOf(patch))}'\n`, pod);
  const patchOf = (spec: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, ...JSON.parse(spec) });
  const names = (text: string) => text.match(/(?<=name: )\w+$/gm);

  test('$setElementOrder: new items among the old ones, those that it does not name where they were', () => {
    const order = [{ name: 'first' }, { name: 'app' }];
    const containers = [{ name: 'first', image: 'new' }];
    const text = patched(JSON.stringify({ spec: { '$setElementOrder/containers': order, containers } }));
    expect(names(text)).toEqual(['a', 'first', 'log', 'app', 'data']);
    expect(text).not.toContain('$');
  });

  test('$retainKeys: what it does not name goes', () => {
    const volumes = [{ name: 'data', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/data' } }];
    const text = patched(JSON.stringify({ spec: { volumes } }));
    expect(text).toContain('  - hostPath:\n      path: /data\n    name: data\n');
    expect(text).not.toContain('emptyDir');
  });

  test('$deleteFromPrimitiveList: the items that it names go', () => {
    const metadata = { name: 'a', '$deleteFromPrimitiveList/finalizers': ['x/one'] };
    const text = patched(JSON.stringify({ metadata }));
    expect(text).toContain('  finalizers:\n  - x/two\n');
  });
});
