import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { afterEach, describe, expect, test } from 'vitest';
import { hasMoto, startMoto } from '../../../test/support/moto.ts';
import { startTestCloud } from '../../../test/support/sandbox-cloud.ts';
import { newLifetime } from '../../base/deadline.ts';
import { ecrPolicy } from '../../iam/ecr-policy.ts';
import { oidcProviderArn } from '../../iam/trust.ts';
import { irsaTrustPolicy } from '../../iam/trust-policy.ts';
import { runCommand } from '../main.ts';

interface Peer {
  endpoint: string;
  account: string;
  accessKeyId: string;
  secretAccessKey: string;
  stop(): Promise<void> | void;
}

const peers: [name: string, isHere: boolean, start: () => Promise<Peer>][] = [
  [
    'the embedded IAM',
    true,
    async () => {
      const cloud = await startTestCloud();
      const { url, administrator } = cloud.aws;
      return { endpoint: url, account: cloud.account.id, ...administrator, stop: () => cloud.close() };
    },
  ],
  [
    'moto (skipped where it is not installed)',
    hasMoto,
    async () => {
      const moto = await startMoto();
      const keys = { accessKeyId: 'test', secretAccessKey: 'testtest' };
      return { endpoint: moto.endpoint, account: '123456789012', ...keys, stop: moto.stop };
    },
  ],
];
const issuer = 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

for (const [name, isHere, start] of peers) {
  describe.skipIf(!isHere)(name, () => {
    test('iam check --role reads what IAM has: attached and inline policies, and the trust policy', async () => {
      const peer = await start();
      closers.push(() => peer.stop());
      const iam = await roleIn(peer);
      const good = await check(peer);
      expect(good, good.stderr).toMatchObject({ exitCode: 0 });
      expect(good.stdout).toContain('allowed  ecr:ListImages');
      expect(good.stdout).toContain('allowed  sts:AssumeRoleWithWebIdentity  system:serviceaccount:flux-system:');
      const deny = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 'ecr:List*', Resource: '*' }] };
      const PolicyDocument = JSON.stringify(deny);
      await iam.send(new PutRolePolicyCommand({ RoleName: 'reader', PolicyName: 'no-lists', PolicyDocument }));
      const denied = await check(peer);
      expect(denied.exitCode).toBe(1);
      expect(denied.stdout).toMatch(/denied {3}ecr:ListImages[^\n]*\n[^\n]*no-lists/);
      expect(denied.stdout).toContain('allowed  ecr:BatchGetImage');
    }, 60_000);

    test('a role that is not there is said with the code of IAM', async () => {
      const peer = await start();
      closers.push(() => peer.stop());
      const { exitCode, stderr } = await check(peer);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('NoSuchEntity');
    }, 60_000);
  });
}

async function roleIn({ endpoint, account, accessKeyId, secretAccessKey }: Peer): Promise<IAMClient> {
  const iam = new IAMClient({ endpoint, region: 'eu-west-1', credentials: { accessKeyId, secretAccessKey } });
  closers.push(() => iam.destroy());
  const providerArn = oidcProviderArn('aws', account, issuer);
  const serviceAccounts = [{ namespace: 'flux-system', name: 'image-reflector-controller' }];
  const AssumeRolePolicyDocument = JSON.stringify(irsaTrustPolicy([{ providerArn, issuer, serviceAccounts }]));
  const scope = { partition: 'aws', region: 'eu-west-1', account, repositories: ['apps/*'] };
  const PolicyDocument = JSON.stringify(ecrPolicy('scan+meta', [scope]));
  await iam.send(new CreateRoleCommand({ RoleName: 'reader', AssumeRolePolicyDocument }));
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: 'read', PolicyDocument }));
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'reader', PolicyArn: Policy?.Arn }));
  return iam;
}

async function check({ endpoint, account, accessKeyId, secretAccessKey }: Peer) {
  const cwd = mkdtempSync(join(tmpdir(), 'millrace-check-'));
  closers.push(() => rmSync(cwd, { recursive: true }));
  const configuration = {
    name: 'prod',
    aws: { account, region: 'eu-west-1' },
    cluster: { name: 'prod', issuer },
    ecr: { repositories: ['apps/mainapp'] },
    git: { url: 'https://git.example.com/fleet.git' },
  };
  writeFileSync(join(cwd, 'millrace.yaml'), JSON.stringify(configuration));
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const context = { stdin: Readable.from([]), stdout, stderr, env, cwd, color: false, signal: newLifetime().signal };
  const exitCode = await runCommand(['iam', 'check', '--role', 'reader'], context);
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}
