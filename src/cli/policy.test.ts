import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { openEmbeddedCluster } from '../../test/support/embedded-cluster.ts';
import { startTagRegistry } from '../../test/support/tag-registry.ts';
import { runCommand } from './main.ts';

async function run(args: string[], stdin: string, env: Record<string, string> = {}) {
  let out = '';
  let err = '';
  const sink = (write: (text: string) => void) =>
    new Writable({
      write(chunk, _, done) {
        write(String(chunk));
        done();
      },
    });
  const code = await runCommand(['policy', 'test', ...args], {
    stdin: Readable.from([stdin]),
    stdout: sink((text) => {
      out += text;
    }),
    stderr: sink((text) => {
      err += text;
    }),
    env,
    cwd: import.meta.dirname,
    color: false,
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

const policy = (spec: string) =>
  `apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: app}\nspec: ${spec}\n`;
const registryTags = async (tags: string[], work: (image: string) => Promise<void>) => {
  const registry = await startTagRegistry();
  registry.tags = { app: tags };
  await work(`${registry.host}/app`);
  await registry.close();
};

test('the winner, and why the others lost, as JSON', () =>
  registryTags(['1.0.0', '1.2.0', '2.0.0', 'latest'], async (image) => {
    const { code, out } = await run(
      ['-f', '-', '--image', image, '-o', 'json'],
      policy('{policy: {semver: {range: 1.x}}}'),
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      latest: '1.2.0',
      rejected: [
        { tag: 'latest', reason: expect.stringContaining('not a semantic version') },
        { tag: '2.0.0', reason: expect.stringContaining("outside the range '1.x'") },
        { tag: '1.0.0', reason: expect.stringContaining('lower version than 1.2.0') },
      ],
    });
  }));

test.each([
  ['{policy: {semver: {range: 9.x}}}', 'unable to determine latest version from provided list'],
  ['{policy: {}}', 'invalid policy: given ImagePolicyChoice object is invalid'],
])('no tag wins by %s', (spec, error) =>
  registryTags(['1.0.0'], async (image) => {
    const { code, out } = await run(['-f', '-', '--image', image, '-o', 'json'], policy(spec));
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ latest: null, error });
  }),
);

test('a List as kubectl prints it, of which a name chooses one; a docker login serves the registry', async () => {
  const home = await mkdtemp(join(tmpdir(), 'millrace-docker-'));
  const registry = await startTagRegistry();
  registry.tags = { app: ['1.0.0', '2.0.0', '2.0.0.sig'] };
  registry.credential = 'bob:s3cret';
  const auth = Buffer.from('bob:s3cret').toString('base64');
  await writeFile(join(home, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const item = (name: string, range: string) => ({
    kind: 'ImagePolicy',
    metadata: { name },
    spec: { policy: { semver: { range } } },
  });
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item('one', '1.x'), item('two', '2.x')] });
  const image = ['--image', `${registry.host}/app`, '-o', 'json'];
  const env = { DOCKER_CONFIG: home };
  const { code, out } = await run(['two', '-f', '-', ...image], list, env);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ latest: '2.0.0', rejected: [{ tag: '1.0.0' }] });
  expect((await run(['-f', '-', ...image], list, env)).err).toContain('2 ImagePolicy objects');
  expect((await run(image, '', env)).err).toContain('no policy to test');
  await registry.close();
  await rm(home, { recursive: true });
});

test('a policy of the cluster, its tags from the registry as its ImageRepository sees them', async () => {
  const cluster = await openEmbeddedCluster('team-policy');
  const registry = await startTagRegistry();
  registry.tags = { app: ['1.0.0', '1.1.0', '2.0.0'] };
  const group = 'image.toolkit.fluxcd.io/v1';
  const metadata = { name: 'app' };
  const spec = { imageRepositoryRef: { name: 'app' }, policy: { semver: { range: '1.x' } } };
  await cluster.put({ apiVersion: group, kind: 'ImagePolicy', metadata, spec });
  const repository = { image: 'registry.example.com/app', interval: '1m', exclusionList: ['^1\\.1'] };
  await cluster.put({ apiVersion: group, kind: 'ImageRepository', metadata, spec: repository });
  const args = ['--kubeconfig', cluster.kubeconfig, '-n', cluster.namespace, '-o', 'json'];
  const reached = ['--registry-endpoint', `registry.example.com=http://${registry.host}`];
  const { out } = await run(['app', ...args, ...reached], '');
  expect(JSON.parse(out)).toMatchObject({ latest: '1.0.0', rejected: [{ tag: '2.0.0' }] });
  expect((await run(['nope', ...args], '')).err).toContain('ImagePolicy team-policy/nope does not exist');
  await registry.close();
});

test('what cannot be read is said, with what to do', async () => {
  const { code, err } = await run(['-f', '-', '--tags-file', 'nope.txt'], policy('{policy: {semver: {range: 1.x}}}'));
  expect(code).toBe(2);
  expect(err).toContain('cannot read nope.txt');
});
