import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocuments } from '../yaml/documents.ts';
import { printDocuments } from '../yaml/print.ts';
import { build } from './build.ts';
import { memoryFileSystem } from './file-system.ts';

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
test('a name prefix is followed by references', () => {
  const pod =
    'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{envFrom: [{configMapRef: {name: x}}]}]}\n';
  const files = {
    'kustomization.yaml': 'namePrefix: a-\nresources: [a.yaml]',
    'a.yaml': `${configMap('x')}---\n${pod}`,
  };
  const text = build({ fs: memoryFileSystem(files), dir: '.' });
  expect(text).toContain('name: a-x\n---');
  expect(text).toContain('configMapRef:\n        name: a-x');
});

test('any text survives printing and reading, and a build of a build is the same', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: 'binary' })), (data) => {
      const object = { apiVersion: 'v1', data, kind: 'ConfigMap', metadata: { name: 'x' } };
      const text = printDocuments([object]);
      expect(parseDocuments(text, 'x')).toEqual([object]);
      const built = build({
        fs: memoryFileSystem({ 'kustomization.yaml': 'resources: [a.yaml]', 'a.yaml': text }),
        dir: '.',
      });
      expect(built).toBe(text);
    }),
    { numRuns: 50 },
  );
});
