import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { runCli } from '../../../test/support/run-cli.ts';
import type { HttpListener } from '../../sandbox/http-listener.ts';
import { startPlainRegistry } from '../../sandbox/registry/start-registry.ts';

const temp = makeTempDir();
let registry: HttpListener;
let folder: string;
let number = 0;

beforeAll(async () => {
  registry = await startPlainRegistry({ dataDir: join(temp.dir, 'registry'), token: 't0ken' });
});
afterAll(async () => {
  await registry?.close();
  temp.remove();
});
beforeEach(() => {
  folder = join(temp.dir, `content${++number}`);
  mkdirSync(join(folder, 'deploy'), { recursive: true });
  writeFileSync(join(folder, 'deploy/app.yaml'), 'a: 1\n');
  writeFileSync(join(folder, 'run.sh'), 'exit 0\n', { mode: 0o755 });
});

const address = (reference = '') => `oci://127.0.0.1:${registry.port}/org/app${number}${reference}`;
const creds = ['--creds', 'AWS:t0ken'];
const push = (reference: string, ...more: string[]) =>
  runCli(['push', 'artifact', address(reference), '-f', folder, '--source', 's', '--revision', 'r', ...creds, ...more]);
const pull = async (reference: string, ...more: string[]) => {
  const out = join(temp.dir, `out${number}-${Math.random()}`);
  const result = await runCli(['pull', 'artifact', address(reference), '--output', out, ...creds, ...more]);
  const files = existsSync(out) ? readdirSync(out, { recursive: true, withFileTypes: true }) : [];
  return {
    ...result,
    out,
    files: files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1)),
  };
};

test('as Flux spells it: what was pushed is pulled, with modes; lists and repeated options', async () => {
  const pushed = await push(':v1', '-a', 'team=x', '-a', 'list=a,b', '--ignore-paths', '*.md,*.txt', '-o', 'json');
  expect(pushed.code).toBe(0);
  expect(JSON.parse(pushed.out)).toMatchObject({
    tag: 'v1',
    repository: `127.0.0.1:${registry.port}/org/app${number}`,
  });
  const pulled = await pull(':v1');
  expect(pulled.files.sort()).toEqual(['deploy/app.yaml', 'run.sh']);
  const tagged = await runCli(['tag', 'artifact', address(':v1'), '--tag', 'a,b', '--tag', 'c', ...creds]);
  expect(tagged.code).toBe(0);
  const listed = await runCli(['list', 'artifacts', address(), '--filter-regex', '^[abc]$', '-o', 'json', ...creds]);
  const found = JSON.parse(listed.out) as { artifact: string; digest: string; source: string }[];
  expect(found.map(({ artifact }) => artifact.at(-1)).sort()).toEqual(['a', 'b', 'c']);
  expect(new Set(found.map(({ digest }) => digest))).toEqual(
    new Set([(JSON.parse(pushed.out) as { digest: string }).digest]),
  );
});

test('manifests from standard input', async () => {
  const argv = ['push', 'artifact', address(':piped'), '-f', '-', '--source', 's', '--revision', 'r', ...creds];
  expect((await runCli(argv, {}, 'kind: ConfigMap\n')).code).toBe(0);
  const { out, files } = await pull(':piped');
  expect(files).toHaveLength(1);
  expect(readFileSync(join(out, files[0] ?? ''), 'utf8')).toBe('kind: ConfigMap\n');
});

test('links are left out, or replaced where asked for; one that leads nowhere or in circles is told', async () => {
  symlinkSync('deploy/app.yaml', join(folder, 'link.yaml'));
  symlinkSync('deploy', join(folder, 'linked'));
  expect((await push(':without')).code).toBe(0);
  expect((await pull(':without')).files).not.toContain('link.yaml');
  expect((await push(':with', '--resolve-symlinks')).code).toBe(0);
  const { files } = await pull(':with');
  expect(files).toEqual(expect.arrayContaining(['link.yaml', 'linked/app.yaml', 'deploy/app.yaml']));
  symlinkSync('.', join(folder, 'deploy/loop'));
  const loop = await push(':loop', '--resolve-symlinks');
  expect(loop.code).not.toBe(0);
  expect(loop.err).toMatch(/loop leads back to a folder that it is in/);
  symlinkSync('nothing', join(folder, 'broken'));
  expect((await push(':broken', '--resolve-symlinks')).err).toMatch(/broken leads nowhere/);
});

test.each([
  ['a wrong password', (): string[] => ['list', 'artifacts', address(), '--creds', 'AWS:no'], /OCI_AUTH_DENIED/],
  ['no folder to unpack into', (): string[] => ['pull', 'artifact', address(':v1')], /--output-path/],
  ['a tag in a listing', (): string[] => ['list', 'artifacts', address(':v1')], /must not contain a tag/],
  [
    'an annotation without a value',
    (): string[] => ['push', 'artifact', address(':x'), '-f', folder, '--source', 's', '--revision', 'r', '-a', 'x'],
    /of the form key=value/,
  ],
])('%s is told', async (_, argv, message) => {
  const { code, err } = await runCli(argv());
  expect(code).not.toBe(0);
  expect(err).toMatch(message);
});

test('a folder in the way of a file is told', async () => {
  expect((await push(':v1')).code).toBe(0);
  const target = join(temp.dir, `blocked${number}`);
  mkdirSync(join(target, 'run.sh'), { recursive: true });
  const { code, err } = await runCli(['pull', 'artifact', address(':v1'), '-o', target, ...creds]);
  expect(code).not.toBe(0);
  expect(err).toMatch(/Cannot unpack to .*run\.sh[\s\S]*BAD_INPUT/);
});
