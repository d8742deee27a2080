import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocuments } from '../yaml/documents.ts';
import { printDocuments } from '../yaml/print.ts';
import { build } from './build.ts';
import { memoryFileSystem } from './file-system.ts';

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${[...'bcdefgh']
  .map((key, index) => `${key}: &${key} [${Array(10).fill(`*${'abcdefg'[index]}`).join(', ')}]`)
  .join('\n')}\n`;

const refused: readonly { name: string; files: Record<string, string> }[] = [
  { name: 'a bomb of aliases', files: { 'kustomization.yaml': 'resources: [a.yaml]', 'a.yaml': bomb } },
  {
    name: 'a cycle of bases',
    files: { 'kustomization.yaml': 'resources: [a]', 'a/kustomization.yaml': 'resources: [../]' },
  },
  { name: 'a path out of the root', files: { 'kustomization.yaml': 'resources: [../../x.yaml]' } },
  {
    name: 'an object given twice',
    files: { 'kustomization.yaml': 'resources: [a.yaml]', 'a.yaml': `${configMap('x')}---\n${configMap('x')}` },
  },
  { name: 'a list', files: { 'kustomization.yaml': 'resources: [a.yaml]', 'a.yaml': '- 1\n' } },
];

test.each(refused)('$name is refused', ({ files }) => {
  expect(() => build({ fs: memoryFileSystem(files), dir: '.' })).toThrow(/./);
});

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
  );
});
