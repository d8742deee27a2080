import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { CreateRepositoryCommand, DescribeImagesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../test/support/sandbox-cloud.ts';
import { writeSandboxAccess } from '../sandbox/sandbox-access.ts';
import { runCommand } from './main.ts';
import { chooseRepository } from './push.ts';

let cloud: TestCloud;
let dataDir: string;
let ecr: ECRClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-push-'));
  const { aws, account, registry, host } = cloud;
  ecr = new ECRClient({ endpoint: aws.url, region: account.region, credentials: aws.administrator });
  await ecr.send(new CreateRepositoryCommand({ repositoryName: 'zenler/mainapp' }));
  await writeSandboxAccess(dataDir, {
    kubernetes: { url: '', issuer: '', kubeconfig: '' },
    aws: { url: aws.url, account, ...aws.administrator },
    registry: { url: registry.url, host },
    git: { url: '', username: '', password: '', reader: { username: '', password: '' } },
  });
});
afterAll(async () => {
  await cloud.close();
  rmSync(dataDir, { recursive: true });
});

async function millrace(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { signal } = new AbortController();
  const context = { stdin: new PassThrough(), stdout, stderr, env: {}, cwd: dataDir, color: false, signal };
  const code = await runCommand(argv, context);
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

test('pushes an image that ECR then has', async () => {
  const { code, stdout } = await millrace('push', 'mainapp:1.0.2', '--data', dataDir);
  expect(code).toBe(0);
  const { imageDetails } = await ecr.send(new DescribeImagesCommand({ repositoryName: 'zenler/mainapp' }));
  expect(imageDetails?.[0]?.imageTags).toEqual(['1.0.2']);
  expect(stdout).toBe(`Pushed ${cloud.host}/zenler/mainapp:1.0.2@${imageDetails?.[0]?.imageDigest}\n`);
});

test.each([
  [['push', 'mainapp', '--data', '.'], 2, 'BAD_INPUT'],
  [['push', 'other:1', '--data', '.'], 2, 'The sandbox has: zenler/mainapp.'],
  [['push', 'mainapp:1', '--data', 'nowhere'], 1, 'SANDBOX_NOT_FOUND'],
])('%j fails with %d', async (argv, code, text) => {
  const result = await millrace(...argv);
  expect(result.code).toBe(code);
  expect(result.stderr).toContain(text);
});

test.each([
  ['mainapp', ['zenler/mainapp', 'zenler/other'], 'zenler/mainapp'],
  ['mainapp', ['mainapp', 'zenler/mainapp'], 'mainapp'],
  ['zenler/mainapp', ['zenler/mainapp'], 'zenler/mainapp'],
])('%s among %j is %s', (name, repositories, want) => expect(chooseRepository(name, repositories)).toBe(want));

test('a name that could be two is refused', () => {
  expect(() => chooseRepository('app', ['a/app', 'b/app'])).toThrow('app names a/app and b/app of the sandbox');
});
