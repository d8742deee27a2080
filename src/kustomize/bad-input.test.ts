import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMillraceError } from '../base/error.ts';
import { build } from './build.ts';
import { diskFileSystem, memoryFileSystem } from './file-system.ts';

const map = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const one = 'resources: [r.yaml]\n';

/** The error of a build, which has to be one of ours. */
function fault(work: () => string): { code: string; message: string } {
  try {
    work();
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { code: error.code, message: error.message };
  }
  throw new Error('it was built');
}
const faultOf = (files: Record<string, string | Buffer>, dir = '.') =>
  fault(() => build({ fs: memoryFileSystem(files), dir }));

/** Twelve lists of nine aliases each: 9^12 values. */
const bomb = Array.from({ length: 12 }, (_, level) =>
  level === 0
    ? 'a0: &a0 [x]'
    : `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
).join('\n');

describe('bad input is a clear error', () => {
  test.each([
    ['an alias bomb', { 'r.yaml': `${map('x')}${bomb}\n` }, 'YAML_INVALID', 'its aliases make more than'],
    ['an alias of itself', { 'r.yaml': `${map('x')}data: &d {a: *d}\n` }, 'YAML_INVALID', 'r.yaml'],
    ['deep nesting', { 'r.yaml': `${map('x')}d: ${'['.repeat(50_000)}` }, 'YAML_INVALID', 'nesting'],
    [
      'a binary file',
      { 'r.yaml': Buffer.from([0, 255, 254, 1]) },
      'KUSTOMIZE_BUILD_FAILED',
      'r.yaml: the file is not UTF-8 text',
    ],
    [
      'an id given twice',
      { 'r.yaml': `${map('x')}---\n${map('x')}` },
      'KUSTOMIZE_BUILD_FAILED',
      'already registered id',
    ],
    ['a list at the top', { 'r.yaml': '- a\n- b\n' }, 'KUSTOMIZE_BUILD_FAILED', 'should be a mapping, not a list'],
    [
      'a single value',
      { 'r.yaml': 'just words\n' },
      'KUSTOMIZE_BUILD_FAILED',
      'should be a mapping, not a single value',
    ],
    [
      'a file that is not there',
      {},
      'KUSTOMIZE_BUILD_FAILED',
      "kustomization.yaml:1: 'r.yaml' of 'resources': no such file",
    ],
  ])('%s', (_, files, code, message) => {
    const found = faultOf({ 'kustomization.yaml': one, ...(files as Record<string, string | Buffer>) });
    expect(found.code).toBe(code);
    expect(found.message).toContain(message);
  });

  test('a cycle of bases, shown', () => {
    const files = { 'a/kustomization.yaml': 'resources: [../b]\n', 'b/kustomization.yaml': 'resources: [../a]\n' };
    expect(faultOf(files, 'a').message).toContain('a cycle of bases: a → b → a');
  });

  test('bases nested deeper than anybody nests them', () => {
    const files: Record<string, string> = {};
    for (let depth = 0, dir = 'd'; depth < 400; depth++, dir += '/d')
      files[`${dir}/kustomization.yaml`] = depth === 399 ? 'namePrefix: a-\n' : 'resources: [d]\n';
    expect(faultOf(files, 'd').message).toContain('nested more than');
  });

  test('a way out of the root', () => {
    expect(faultOf({ 'kustomization.yaml': 'resources: [../../etc]\n' }).code).toBe('KUSTOMIZE_PATH_OUTSIDE');
  });

  test('all faults that have nothing to do with each other, each with its line', () => {
    const { message } = faultOf({ 'kustomization.yaml': 'resources:\n- a.yaml\n- b.yaml\nnoSuchField: 1\n' });
    expect(message).toContain('noSuchField');
    const both = faultOf({
      'kustomization.yaml': 'resources:\n- a.yaml\n- b.yaml\npatches:\n- path: c.yaml\n',
    }).message;
    for (const line of ["kustomization.yaml:2: 'a.yaml'", "kustomization.yaml:3: 'b.yaml'"])
      expect(both).toContain(line);
  });
});

describe('on the disk', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-bad-input-'));
    for (const folder of ['out', 'huge']) {
      await mkdir(join(dir, folder));
      await writeFile(join(dir, folder, 'kustomization.yaml'), one);
    }
    await symlink('/etc/passwd', join(dir, 'out/r.yaml'));
    const file = await open(join(dir, 'huge/r.yaml'), 'w');
    // Sparse: the size is there, the bytes are not.
    await file.truncate(200 * 1024 * 1024);
    await file.close();
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('a link out of the root is not followed, whatever the load restrictor says', () => {
    const found = fault(() => build({ fs: diskFileSystem(dir), dir: 'out', loadRestrictor: 'none' }));
    expect(found.code).toBe('KUSTOMIZE_PATH_OUTSIDE');
  });

  test('a file of 200 MB is not read', () => {
    const before = process.memoryUsage().arrayBuffers;
    const found = fault(() => build({ fs: diskFileSystem(dir), dir: 'huge' }));
    expect(found).toMatchObject({ code: 'KUSTOMIZE_BUILD_FAILED', message: expect.stringContaining('larger than') });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 1024 * 1024);
  });
});

describe('whatever is written', () => {
  /** Pieces that mean something to YAML or to kustomize, in any order. */
  const piece = fc.oneof(
    fc.constantFrom(
      'resources:',
      'patches:',
      '- ',
      'r.yaml',
      '\n',
      '  ',
      '&a ',
      '*a',
      '{',
      '}',
      '[',
      ']',
      ': ',
      '#',
      '|',
      '>',
      '"',
      "'",
      '---',
      'namePrefix: x',
      'images:',
      'name: ',
      'replacements:',
      'vars:',
      'labels:',
      'pairs:',
      'target:',
      'kind: ',
      '\t',
      '!!binary ',
      '<<: ',
      'configMapGenerator:',
      'literals:',
      'a=b',
      'null',
      '~',
      '1e9',
      '0x1f',
    ),
    fc.string({ maxLength: 8 }),
  );
  const text = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''));

  test('is built, the same each time, or refused with an error of ours', () => {
    fc.assert(
      fc.property(text, text, (kustomization, manifest) => {
        const files = { 'kustomization.yaml': kustomization, 'r.yaml': manifest };
        const attempt = () => {
          try {
            return build({ fs: memoryFileSystem(files), dir: '.' });
          } catch (error) {
            if (!isMillraceError(error)) throw error;
            return error.code;
          }
        };
        expect(attempt()).toBe(attempt());
      }),
      { numRuns: 500 },
    );
  });

  test('what was built once is built again as it is', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    // The order of keys that mix digits with other characters is none: go-yaml compares them as numbers in some places.
    const data = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), value, { maxKeys: 6 });
    fc.assert(
      fc.property(data, (spec) => {
        const object = JSON.stringify({ apiVersion: 'x.dev/v1', kind: 'Thing', metadata: { name: 'a' }, spec });
        const first = build({ fs: memoryFileSystem({ 'kustomization.yaml': one, 'r.yaml': object }), dir: '.' });
        const second = build({ fs: memoryFileSystem({ 'kustomization.yaml': one, 'r.yaml': first }), dir: '.' });
        expect(second).toBe(first);
      }),
      { numRuns: 150 },
    );
  });
});
