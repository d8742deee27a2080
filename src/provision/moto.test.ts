import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { ECRClient } from '@aws-sdk/client-ecr';
import { IAMClient } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sleep } from '../base/deadline.ts';
import { planAws } from './apply-aws.ts';
import { awsModelOf } from './aws-model.ts';
import type { Installation } from './installation.ts';

const installation: Installation = {
  namePrefix: 'moto',
  aws: { partition: 'aws', account: '123456789012', region: 'eu-west-1' },
  issuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE',
  issuerThumbprint: '9'.repeat(40),
  namespace: 'flux-system',
  repositories: ['apps/*'],
  createRepositories: ['apps/mainapp'],
  ecrProfile: 'scan+meta',
  git: {
    url: 'https://example.com/fleet',
    branch: 'main',
    path: './',
    secretName: 'git',
    username: 'git',
    password: 'x',
  },
};

const hasMoto = spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0;

/** Another implementation of IAM and ECR: what we send is understood, and what we read back is what we sent. */
describe.skipIf(!hasMoto)('against moto (skipped where moto_server is not installed)', () => {
  let server: ChildProcess;
  let settings: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  const signal = new AbortController().signal;

  beforeAll(async () => {
    const port = await freePort();
    server = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const endpoint = `http://127.0.0.1:${port}`;
    settings = { endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    for (let tries = 0; tries < 200; tries++) {
      if (
        await fetch(`${endpoint}/moto-api/`).then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(100, signal);
    }
    throw new Error('moto_server does not answer');
  }, 40_000);
  afterAll(() => void server?.kill());

  test('a plan, carried out, leaves nothing to do; a change is one step that says what it widens', async () => {
    const clients = { iam: new IAMClient(settings), ecr: new ECRClient(settings) };
    const plan = (changed: Partial<Installation> = {}) =>
      planAws(awsModelOf({ ...installation, ...changed }), clients, signal);
    const steps = await plan();
    expect(steps.map(({ action }) => action)).toEqual(['create', 'create', 'create', 'create']);
    for (const step of steps) await step.run();
    expect(await plan()).toEqual([]);
    const [wider] = await plan({ repositories: ['apps/*', 'tools/*'] });
    expect(wider?.widens).toContain('ecr:ListImages on arn:aws:ecr:eu-west-1:123456789012:repository/tools/*');
    const [narrower] = await plan({ repositories: ['apps/mainapp'] });
    expect(narrower?.widens).toEqual([]);
    await narrower?.run();
    expect(await plan({ repositories: ['apps/mainapp'] })).toEqual([]);
  }, 30_000);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
