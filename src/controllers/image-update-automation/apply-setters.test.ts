import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applySetters } from './apply-setters.ts';

const policies = { 'ns:app': { image: 'r.io/app', tag: '2.0.0' } };
const line = (tag: string) => `image: r.io/app:${tag} # {"$imagepolicy": "ns:app"}\n`;
let dir: string;
let tree: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-tree-'));
  tree = join(dir, 'tree');
  for (const folder of ['apps/b', 'base', '.git']) mkdirSync(join(tree, folder), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));
const put = (path: string, text = line('1.0.0')) => writeFileSync(join(dir, path), text);
const link = (path: string, target: string) => symlinkSync(target, join(tree, path));
const changed = async () => (await applySetters(tree, { path: './apps', policies })).changes.map(({ file }) => file);

test('a link to a file is written through within the tree, and never out of it', async () => {
  put('outside.yaml');
  put('tree/base/shared.txt');
  put('tree/.git/config.yaml');
  put('tree/apps/b/real.yaml');
  put('tree/apps/c.yaml');
  link('apps/a.yaml', '../base/shared.txt');
  link('apps/d.yaml', '../base/shared.txt');
  link('apps/e.yaml', 'b/real.yaml');
  link('apps/out.yaml', '../../outside.yaml');
  link('apps/git.yaml', '../.git/config.yaml');
  link('apps/nowhere.yaml', 'gone.yaml');
  link('apps/self.yaml', 'self.yaml');
  link('apps/folder.yaml', 'b');
  expect(await changed()).toEqual(['a.yaml', 'b/real.yaml', 'c.yaml']);
  expect(readFileSync(join(tree, 'base/shared.txt'), 'utf8')).toBe(line('2.0.0'));
  expect(readFileSync(join(dir, 'outside.yaml'), 'utf8')).toBe(line('1.0.0'));
  expect(readFileSync(join(tree, '.git/config.yaml'), 'utf8')).toBe(line('1.0.0'));
  expect(await changed()).toEqual([]);
});

test('a file that is not UTF-8 is left alone and reported', async () => {
  const bytes = Buffer.concat([Buffer.from(line('1.0.0')), Buffer.from([0xff, 0xfe])]);
  writeFileSync(join(tree, 'apps/a.yaml'), bytes);
  const { changes, findings } = await applySetters(tree, { path: 'apps', policies });
  expect(changes).toEqual([]);
  expect(findings).toMatchObject([{ file: 'a.yaml', rule: 'problem-file', message: expect.stringContaining('UTF-8') }]);
  expect(readFileSync(join(tree, 'apps/a.yaml'))).toEqual(bytes);
});

test.each(['../..', '/etc', 'gone', 'apps/out'])('the update path %s is refused', async (path) => {
  symlinkSync('/', join(tree, 'apps/out'));
  // An absolute path is one below the tree.
  await expect(applySetters(tree, { path, policies })).rejects.toThrow(/^walking path for files: /);
});
