import { Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { startTagRegistry } from '../../test/support/tag-registry.ts';
import { runCommand } from './main.ts';

async function run(args: string[], stdin: string) {
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
    env: {},
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

test('what cannot be read is said, with what to do', async () => {
  const { code, err } = await run(['-f', '-', '--tags-file', 'nope.txt'], policy('{policy: {semver: {range: 1.x}}}'));
  expect(code).toBe(2);
  expect(err).toContain('cannot read nope.txt');
});
