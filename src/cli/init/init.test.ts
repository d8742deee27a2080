import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { load } from 'js-yaml';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newLifetime } from '../../base/deadline.ts';
import { parseConfiguration } from '../../provision/configuration.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { runCommand } from '../main.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'init-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

interface Way {
  /** Lines that a person types; without them there is no terminal. */
  answers?: string[];
  env?: Record<string, string>;
}

async function init(argv: string[], { answers, env = {} }: Way = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stdin = answers === undefined ? Readable.from([]) : Object.assign(new PassThrough(), { isTTY: true as const });
  // A line for each question, as it is asked: readline drops what comes earlier.
  let printed = '';
  stderr.on('data', (chunk) => {
    printed += String(chunk);
    if (!printed.endsWith(': ') || !(stdin instanceof PassThrough)) return;
    const answer = answers?.shift();
    if (answer === undefined) stdin.end();
    else stdin.write(`${answer}\n`);
  });
  const offline = { PATH: process.env['PATH'] ?? '', HOME: cwd, KUBECONFIG: '/nowhere' };
  const context = {
    stdin,
    stdout,
    stderr,
    env: { ...offline, ...env },
    cwd,
    color: false,
    signal: newLifetime().signal,
  };
  const exitCode = await runCommand(['init', ...argv], context);
  await new Promise((resolve) => setImmediate(resolve));
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: printed };
}

const written = () => parseConfiguration(load(readFileSync(join(cwd, 'millrace.yaml'), 'utf8')), 'millrace.yaml');
const options = [
  '--region',
  'eu-west-1',
  '--cluster',
  'prod',
  '--git-url',
  'https://github.com/acme/fleet',
  '--repository',
  'apps/*',
];

test('without a terminal everything that is missing is named at once', async () => {
  const { exitCode, stderr } = await init(['--cluster', 'prod']);
  expect(exitCode).toBe(2);
  for (const option of ['--region', '--git-url', '--repository or --from']) expect(stderr).toContain(option);
});

test('in a terminal it asks again after a bad answer, and takes what was found for an empty one', async () => {
  const answers = [
    'EU',
    '',
    'prod',
    'git@github.com:acme/fleet',
    'https://github.com/acme/fleet',
    '',
    '',
    'apps/* tools/x',
  ];
  const { exitCode, stderr } = await init([], { answers, env: { AWS_REGION: 'eu-west-1' } });
  expect(stderr).toContain('AWS region [eu-west-1]: ');
  expect(stderr).toContain('must be a region such as eu-west-1');
  expect(stderr).toContain('git@host:path is not accepted');
  expect(exitCode).toBe(0);
  expect(written()).toMatchObject({
    aws: { region: 'eu-west-1' },
    git: { path: './clusters/prod' },
    ecr: { repositories: ['apps/*', 'tools/x'] },
  });
});

test('an input that ends half-way writes nothing', async () => {
  expect(await init([], { answers: ['eu-west-1', 'prod'] })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('nothing was written'),
  });
  expect(() => written()).toThrow('ENOENT');
});

test('an empty file is filled; one that holds something is left alone, before anything is asked', async () => {
  writeFileSync(join(cwd, 'millrace.yaml'), '\n');
  expect(await init(options)).toMatchObject({ exitCode: 0 });
  const text = readFileSync(join(cwd, 'millrace.yaml'), 'utf8');
  expect(await init([], { answers: [] })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/^error: .*exists already/),
  });
  expect(readFileSync(join(cwd, 'millrace.yaml'), 'utf8')).toBe(text);
  expect(await init([...options, '-f', 'missing/millrace.yaml'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('cannot write'),
  });
});

test.each([
  ['aws eks update-kubeconfig', 'arn:aws:eks:eu-central-1:111122223333:cluster/Prod_1', undefined],
  ['eksctl', 'me@Prod_1.eu-central-1.eksctl.io', undefined],
  ['a login command', 'mine', ['eks', 'get-token', '--cluster-name', 'Prod_1', '--region', 'eu-central-1']],
])('cluster and region come from the kubeconfig that %s wrote', async (_, name, args) => {
  const user =
    args === undefined
      ? { token: 'x' }
      : { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command: 'aws', args } };
  const config = {
    'current-context': name,
    contexts: [{ name, context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(join(cwd, 'kubeconfig'), JSON.stringify(config));
  const { exitCode } = await init([
    '--git-url',
    'https://github.com/acme/fleet',
    '--repository',
    'apps/*',
    '--kubeconfig',
    join(cwd, 'kubeconfig'),
  ]);
  expect(exitCode).toBe(0);
  expect(written()).toMatchObject({ name: 'prod-1', cluster: { name: 'Prod_1' }, aws: { region: 'eu-central-1' } });
});

test('the account, the cluster, its issuer and what is missing in ECR are asked of AWS; git of the clone', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'init-sandbox-'));
  const sandbox = await startSandbox({ dataDir });
  try {
    execFileSync('git', ['init', '-q', cwd]);
    execFileSync('git', ['-C', cwd, 'remote', 'add', 'origin', 'https://flux:secret@git.example.com/fleet.git']);
    const { url, accessKeyId, secretAccessKey } = sandbox.access.aws;
    const env = {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    expect(await init(['--repository', 'apps/mainapp'], { env })).toMatchObject({ exitCode: 0 });
    expect(written()).toMatchObject({
      aws: { account: '000000000000' },
      cluster: { name: 'sandbox', issuer: sandbox.access.kubernetes.issuer },
      git: { url: 'https://git.example.com/fleet.git', credential: { username: 'flux' } },
      ecr: { create: ['apps/mainapp'] },
    });
    expect(readFileSync(join(cwd, 'millrace.yaml'), 'utf8')).not.toContain('secret@');
  } finally {
    await sandbox.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 30_000);
