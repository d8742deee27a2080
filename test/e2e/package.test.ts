import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
let dir: string;
let names: string[];

/** What a stranger writes who has installed the package. */
const consumer = `import { isMillraceError, version } from 'millrace';
import { selectTag, updateMarkers } from 'millrace/images';
import { build, memoryFileSystem, substitute, type BuildOptions } from 'millrace/kustomize';

const options: BuildOptions = {
  fs: memoryFileSystem({
    'app/kustomization.yaml': 'namePrefix: prod-\\nresources: [map.yaml]\\n',
    'app/map.yaml': 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: m}\\n',
  }),
  dir: 'app',
};
const tag: string = selectTag({ policy: { semver: { range: '1.x' } } }, ['1.0.0', '1.2.0', '2.0.0']);
const file = 'image: r.io/app:1.0.0 # {"$imagepolicy": "ns:app"}\\n';
const { text, changes } = updateMarkers('f.yaml', file, { 'ns:app': { image: 'r.io/app', tag } });
let code = '';
try {
  build({ ...options, dir: 'nowhere' });
} catch (error) {
  if (isMillraceError(error)) code = error.code;
}
console.log(JSON.stringify([build(options), tag, text, changes.length, substitute('\${a:=b}', {}), code, version]));
`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-package-'));
  // The same as `prepack` makes, without taking dist away from the tests that run beside this one.
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json']);
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', dir]);
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: { path: string }[] }];
  names = packed.files.map(({ path }) => path);
  const home = join(dir, 'node_modules/millrace');
  await mkdir(home, { recursive: true });
  await run('tar', ['-xzf', join(dir, packed.filename), '-C', home, '--strip-components=1']);
  // Only its type checker comes from here: the package itself needs nothing installed beside it.
  await symlink(resolve('node_modules/typescript'), join(dir, 'node_modules/typescript'));
  await mkdir(join(dir, 'node_modules/@types'));
  await symlink(resolve('node_modules/@types/node'), join(dir, 'node_modules/@types/node'));
  await symlink(resolve('node_modules/undici-types'), join(dir, 'node_modules/undici-types'));
  await writeFile(join(dir, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(join(dir, 'use.ts'), consumer);
}, 120_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

test('the package holds what it is for, and nothing of how it is made', () => {
  expect(names).toEqual(
    expect.arrayContaining([
      'package.json',
      'README.md',
      'LICENSE',
      'dist/millrace.js',
      'dist/types/kustomize/index.d.ts',
    ]),
  );
  expect(names.filter((name) => /^(src|test|bench|scripts)\/|\.test\./.test(name))).toEqual([]);
});

test('its libraries have types and work without anything else installed', { timeout: 60_000 }, async () => {
  const tsc = join(dir, 'node_modules/typescript/bin/tsc');
  const checked = await run(
    process.execPath,
    [tsc, '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', 'use.ts'],
    { cwd: dir },
  ).catch((error: { stdout: string }) => error);
  expect(checked.stdout).toBe('');
  const { stdout } = await run(process.execPath, ['use.js'], { cwd: dir });
  expect(JSON.parse(stdout)).toEqual([
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: prod-m\n',
    '1.2.0',
    'image: r.io/app:1.2.0 # {"$imagepolicy": "ns:app"}\n',
    1,
    'b',
    'KUSTOMIZE_BUILD_FAILED',
    expect.stringMatching(/^\d+\.\d+\.\d+/),
  ]);
});
