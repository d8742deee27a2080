import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { CreateRoleCommand, GetPolicyCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newLifetime } from '../../base/deadline.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { runCommand } from '../main.ts';

let dir: string;
let sandbox: Sandbox;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'provision-direct-'));
  sandbox = await startSandbox({ dataDir: join(dir, 'data') });
});
afterEach(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true, force: true });
});

function configure(repositories: string[], extra: Record<string, unknown> = {}): void {
  const { account } = sandbox.access.aws;
  const configuration = {
    name: 'test',
    engine: 'millrace',
    aws: { account: account.id, region: account.region },
    cluster: { name: 'sandbox' },
    ecr: { repositories, create: ['zenler/mainapp'] },
    git: { url: `${sandbox.access.git.url}/fleet.git`, path: './clusters/sandbox' },
    ...extra,
  };
  writeFileSync(join(dir, 'millrace.yaml'), JSON.stringify(configuration));
}

async function run(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { url, accessKeyId, secretAccessKey } = sandbox.access.aws;
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL: url,
    KUBECONFIG: sandbox.access.kubernetes.kubeconfig,
    MILLRACE_GIT_CREDENTIAL: 'hush-hush',
  };
  const context = {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env,
    cwd: dir,
    color: false,
    signal: newLifetime().signal,
  };
  const exitCode = await runCommand(['provision', ...argv], context);
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

function iamClient(): IAMClient {
  const { url, accessKeyId, secretAccessKey, account } = sandbox.access.aws;
  return new IAMClient({ endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } });
}

test('a plan, its application, an empty second plan, and destruction', async () => {
  configure(['zenler/*']);
  const plan = await run('apply', '--dry-run');
  expect(plan.stderr).toBe('');
  expect(plan.stdout).toContain('create IAM role');
  expect(plan.stdout).not.toContain('hush');
  expect((await run('apply', '--dry-run')).stdout).toBe(plan.stdout);
  expect(await run('apply')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('steps done') });
  expect(await run('apply')).toMatchObject({ exitCode: 0, stdout: 'nothing to do\n' });

  const destroyed = await run('destroy');
  expect(destroyed).toMatchObject({ exitCode: 0 });
  expect(destroyed.stdout).toContain('kept CustomResourceDefinitions');
  const missing = iamClient().send(
    new GetPolicyCommand({ PolicyArn: `arn:aws:iam::${sandbox.access.aws.account.id}:policy/test-ecr-read` }),
  );
  await expect(missing).rejects.toThrow(/not found|does not exist/i);
  expect((await run('destroy', '--dry-run')).stdout).not.toContain('delete IAM');
}, 60_000);

test('an existing policy is not widened without a yes', async () => {
  configure(['zenler/*']);
  await run('apply');
  configure(['zenler/*', 'other/*']);
  const refused = await run('apply');
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('PROVISION_WIDENS') });
  expect(refused.stderr).toContain('ecr:ListImages on arn:aws:ecr:');
  expect((await run('apply', '--dry-run')).stdout).toContain('widens: would also allow');
  expect(await run('apply', '--allow-widening')).toMatchObject({ exitCode: 0 });
  configure(['zenler/mainapp']);
  expect(await run('apply')).toMatchObject({ exitCode: 0, stdout: '1 steps done\n' });
}, 60_000);

test('what was there before is adopted, and stays when the rest goes', async () => {
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  await iamClient().send(
    new CreateRoleCommand({ RoleName: 'test-image-reflector', AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  configure(['zenler/*']);
  expect((await run('apply')).stderr).toContain('PROVISION_WIDENS');
  expect(await run('apply', '--allow-widening')).toMatchObject({ exitCode: 0 });
  expect((await run('destroy')).stdout).toMatch(/kept IAM role .*: it was there before/);
}, 60_000);

test('what is only done by Terraform is refused', async () => {
  configure(['zenler/*'], { engine: 'flux', events: true });
  const { exitCode, stderr } = await run('apply');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('engine: flux');
  expect(stderr).toContain('events: true');
});
