import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newLifetime } from '../base/deadline.ts';
import { runCommand } from './main.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'provision-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

async function run(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = {
    AWS_ACCESS_KEY_ID: 'AKIA',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    PATH: process.env['PATH'],
    KUBECONFIG: '/nowhere',
  };
  const context = { stdin: Readable.from([]), stdout, stderr, env, cwd, color: false, signal: newLifetime().signal };
  const exitCode = await runCommand(argv, context);
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

const init = [
  ...['init', '--account', '111122223333', '--region', 'eu-west-1', '--cluster', 'prod', '--repository', 'apps/*'],
  ...['--issuer', 'https://oidc.eks.eu-west-1.amazonaws.com/id/A', '--git-url', 'https://github.com/acme/fleet'],
];

test('init, then Terraform, twice', async () => {
  expect(await run(...init)).toMatchObject({ exitCode: 0 });
  expect(await run(...init)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('not overwritten') });
  const first = await run('provision', 'terraform', '--out', 'tf');
  expect(first.stderr).toBe('');
  expect(first.stdout).toContain('wrote versions.tf');
  expect(await run('provision', 'terraform', '--out', 'tf')).toMatchObject({ stdout: 'tf: nothing has changed\n' });
});

test('a file of ours that is not needed any more goes, those of others stay', async () => {
  await run(...init);
  const configuration = readFileSync(join(cwd, 'millrace.yaml'), 'utf8');
  const more = `${configuration.replace('# events:', 'events:').replace('    - "apps/*"', '    - "apps/*"\n    - "222233334444.dkr.ecr.eu-west-1.amazonaws.com/base"')}
images: [{name: mainapp, image: apps/mainapp, policy: {semver: {range: 1.x}}}]\n`;
  writeFileSync(join(cwd, 'millrace.yaml'), more);
  await run('provision', 'terraform', '--out', 'tf');
  writeFileSync(join(cwd, 'tf', 'mine.tf'), '# mine\n');
  writeFileSync(join(cwd, 'tf', 'owners', 'mine.json'), '{}\n');
  const files = () => readdirSync(join(cwd, 'tf'), { recursive: true }).map(String);
  const passing = [
    'events.tf',
    'images.tf',
    'owners/222233334444.json',
    'delivery/Chart.yaml',
    'delivery/templates/objects.yaml',
  ];
  expect(files()).toEqual(expect.arrayContaining(passing));
  writeFileSync(join(cwd, 'millrace.yaml'), configuration);
  await run('provision', 'terraform', '--out', 'tf');
  expect(files()).toEqual(expect.arrayContaining(['mine.tf', 'owners/mine.json', 'iam.tf']));
  expect(files().filter((name) => passing.includes(name))).toEqual([]);
});

test('a tree says what is scanned, and which markers are missing', async () => {
  await run(...init);
  const image = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/zenler/mainapp';
  writeFileSync(
    join(cwd, 'millrace.yaml'),
    `${readFileSync(join(cwd, 'millrace.yaml'), 'utf8').replace('"apps/*"', '"zenler/*"')}images: [{name: mainapp, image: zenler/mainapp, policy: {semver: {range: 1.x}}}]\n`,
  );
  writeFileSync(
    join(cwd, 'image.yaml'),
    `kind: ImageRepository\nmetadata: {name: mainapp}\nspec: {image: ${image}, provider: aws}\n`,
  );
  const missing = await run('provision', 'terraform', '--from', '.', '--out', 'tf');
  expect(missing.stdout).toContain('no marker for flux-system:mainapp');
  writeFileSync(join(cwd, 'deployment.yaml'), `image: ${image}:1.0.0 # {"$imagepolicy": "flux-system:mainapp"}\n`);
  expect((await run('provision', 'terraform', '--from', '.', '--out', 'tf')).stdout).not.toContain('no marker');
  const check = await run('iam', 'check', '--from', '.', '-o', 'json');
  expect(JSON.parse(check.stdout).access).toHaveLength(4);
  expect(check.exitCode).toBe(0);
});

test('an empty configuration is told what it lacks, and what writes one', async () => {
  writeFileSync(join(cwd, 'millrace.yaml'), '');
  const { stderr } = await run('provision', 'terraform', '--out', 'tf');
  expect(stderr).toContain('millrace.yaml: name: is missing; aws: is missing; cluster: is missing; git: is missing');
  expect(stderr).toContain('millrace init');
});

test('every fault of a configuration is reported at once', async () => {
  writeFileSync(
    join(cwd, 'millrace.yaml'),
    'name: Prod\ncolour: red\naws: {region: eu-west-1}\ngit: {url: x, ref: main}\n',
  );
  const { exitCode, stderr } = await run('provision', 'terraform', '--out', 'tf');
  expect(exitCode).toBe(1);
  for (const fault of ['name:', 'no such field: colour', 'cluster:', 'git.url:', 'refs/heads/main'])
    expect(stderr).toContain(fault);
});

test('init names the options for what it cannot find out', async () => {
  expect(await run('init', '--region', 'eu-west-1')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--cluster'),
  });
});
