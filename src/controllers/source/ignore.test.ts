import { expect, test } from 'vitest';
import { globMatches } from './ignore-pattern.ts';
import { compileIgnoreRules } from './ignore-rules.ts';

const rules = (text: string, spec?: string) => compileIgnoreRules({ files: [{ path: '.sourceignore', text }], spec });

const cases: [pattern: string, ignored: string[], kept: string[]][] = [
  ['*.md', ['a.md', 'x/y/b.md'], ['a.mdx', 'md']],
  ['docs/', ['docs/a', 'x/docs/b'], ['docs.txt']],
  ['/docs', ['docs', 'docs/a'], ['x/docs/b']],
  ['a/b', ['a/b', 'a/b/c'], ['x/a/b', 'a/bc']],
  ['**/b', ['b', 'a/b', 'x/y/b/c'], ['bb']],
  ['a/**', ['a/x', 'a/x/y'], ['b/a/x']],
  ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z/deep'], ['z', 'a/b']],
  ['/*\n!/deploy', ['x', 'other/y'], ['deploy/a.yaml']],
  ['*.yaml\n!keep.yaml', ['a.yaml', 'x/b.yaml'], ['keep.yaml', 'x/keep.yaml']],
  ['?.txt', ['a.txt'], ['ab.txt', '.txt']],
  ['[a-c].txt', ['b.txt'], ['d.txt']],
  ['[!a-c].txt', ['d.txt'], ['b.txt']],
  ['[^a].txt', ['b.txt'], ['a.txt']],
  ['\\!x', ['!x'], ['x']],
  ['# comment\n\n  \nx', ['x'], ['# comment']],
  ['x   ', ['x'], ['x   ']],
  ['crlf\r\ny', ['crlf', 'y'], ['z']],
];
test.each(cases)('%j', (pattern, ignored, kept) => {
  const isIgnored = rules(pattern);
  expect(ignored.filter((path) => !isIgnored(path, false))).toEqual([]);
  expect(kept.filter((path) => isIgnored(path, false))).toEqual([]);
});

test('defaults hold only while there is no pattern of the user', () => {
  const none = compileIgnoreRules({ files: [] });
  expect(['a.png', '.github/x', 'x/.sops.yaml', '.gitignore', 'x/.git/config'].every((path) => none(path, false))).toBe(
    true,
  );
  const own = compileIgnoreRules({ files: [], spec: 'x' });
  expect(own('a.png', false)).toBe(false);
  expect(own('.gitignore', false)).toBe(true);
  expect(compileIgnoreRules({ files: [], spec: '' })('a.png', false)).toBe(true);
  expect(compileIgnoreRules({ files: [{ path: '.sourceignore', text: '# nothing\n' }] })('a.png', false)).toBe(true);
});

test('the specification comes after the files, each file is for its folder', () => {
  const isIgnored = compileIgnoreRules({
    files: [{ path: 'sub/.sourceignore', text: '*.txt' }],
    spec: '!sub/keep.txt',
  });
  expect(isIgnored('a.txt', false)).toBe(false);
  expect(isIgnored('sub/a.txt', false)).toBe(true);
  expect(isIgnored('sub/deep/a.txt', false)).toBe(true);
  expect(isIgnored('sub/keep.txt', false)).toBe(false);
});

test('folders: a pattern with a slash at its end is for them alone', () => {
  const isIgnored = rules('build/');
  expect(isIgnored('build', true)).toBe(true);
  expect(isIgnored('build', false)).toBe(false);
});

test('no pattern is slow', () => {
  const started = performance.now();
  expect(globMatches('*a'.repeat(50), `${'a'.repeat(5000)}b`)).toBe(false);
  expect(rules(`${'**/a/'.repeat(60)}x`)(`${'a/'.repeat(300)}y`, false)).toBe(false);
  expect(performance.now() - started).toBeLessThan(1000);
});
