import { ECRClient } from '@aws-sdk/client-ecr';
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  DetachRolePolicyCommand,
  IAMClient,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEmbeddedCluster } from '../../test/support/embedded-cluster.ts';
import { hasMoto, type Moto, startMoto } from '../../test/support/moto.ts';
import { createEventBridge } from '../aws/event-bridge.ts';
import { type AwsClients, planAws } from './apply-aws.ts';
import { awsModelOf } from './aws-model.ts';
import { planDestroy } from './destroy.ts';
import type { Installation } from './installation.ts';
import type { Step } from './plan.ts';

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

/** Another implementation of IAM, ECR, SQS and EventBridge: what we send is understood, and what we read back is what we sent. */
describe.skipIf(!hasMoto)('against moto (skipped where moto_server is not installed)', () => {
  let moto: Moto;
  let clients: Required<Omit<AwsClients, 'eks'>>;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    moto = await startMoto();
    const { endpoint } = moto;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const settings = { endpoint, region: 'eu-west-1', credentials };
    clients = {
      iam: new IAMClient(settings),
      ecr: new ECRClient(settings),
      sqs: new SQSClient(settings),
      events: createEventBridge({ ...settings, proxy: undefined }),
    };
  }, 40_000);
  afterAll(() => moto?.stop());

  const plan = (changed: Partial<Installation> = {}, note?: (text: string) => void) =>
    planAws(awsModelOf({ ...installation, ...changed }), clients, signal, note);
  const carryOut = async (steps: readonly Step[]) => {
    for (const step of steps) await step.run();
  };

  test('a plan, carried out, leaves nothing to do; a change is one step that says what it widens', async () => {
    const steps = await plan();
    expect(steps.map(({ action }) => action)).toEqual(['create', 'create', 'create', 'create']);
    await carryOut(steps);
    expect(await plan()).toEqual([]);
    const [wider] = await plan({ repositories: ['apps/*', 'tools/*'] });
    expect(wider?.widens).toContain('ecr:ListImages on arn:aws:ecr:eu-west-1:123456789012:repository/tools/*');
    // More often than a policy has versions.
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const [narrower] = await plan({ repositories: [`apps/${name}`] });
      await narrower?.run();
      expect(await plan({ repositories: [`apps/${name}`] })).toEqual([]);
    }
  }, 30_000);

  test('what somebody changed by hand, and what a killed process left, is brought into line', async () => {
    const changed = { namePrefix: 'drift' };
    await carryOut(await plan(changed));
    const { role, policy } = awsModelOf({ ...installation, ...changed });
    const other = { PolicyName: 'by-hand', PolicyDocument: JSON.stringify(policy.document) };
    const { Policy } = await clients.iam.send(new CreatePolicyCommand(other));
    const attachment = { RoleName: role.name, PolicyArn: Policy?.Arn ?? '' };
    await clients.iam.send(new AttachRolePolicyCommand(attachment));
    await clients.iam.send(new DetachRolePolicyCommand({ ...attachment, PolicyArn: policy.arn }));
    const trust = JSON.stringify(role.trust).replace('image-reflector-controller', 'other');
    await clients.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: role.name, PolicyDocument: trust }));
    const notes: string[] = [];
    const steps = await plan(changed, (text) => notes.push(text));
    expect(steps.map(({ what }) => what)).toEqual([
      `trust policy of ${role.arn}`,
      `attach ${policy.arn} to ${role.arn}`,
    ]);
    expect(steps[0]?.widens).toEqual(['system:serviceaccount:flux-system:image-reflector-controller']);
    expect(notes).toEqual([`IAM role ${role.arn} has another policy besides: ${Policy?.Arn}`]);
    await carryOut(steps);
    expect(await plan(changed)).toEqual([]);
  }, 30_000);

  test('queues and the rule of push events; destroy takes away what was made, and no more', async () => {
    const changed = { namePrefix: 'events', createEvents: true };
    const whole = { ...installation, ...changed };
    await carryOut(await plan(changed));
    expect(await plan(changed)).toEqual([]);
    const { client: kube } = await openEmbeddedCluster();
    const { steps, kept } = await planDestroy(whole, { ...clients, kube }, signal);
    expect(steps.map(({ what }) => what.replace(/arn:\S+[/]/, ''))).toEqual([
      'IAM role events-image-reflector',
      'IAM policy events-ecr-read',
      ...['EventBridge rule events-ecr-push', 'SQS queue events-ecr-push', 'SQS queue events-ecr-push-unread'],
      'OIDC provider EXAMPLE',
    ]);
    expect(kept).toContain('ECR repository apps/mainapp: it has images');
    await carryOut(steps);
    expect((await planDestroy(whole, { ...clients, kube }, signal)).steps).toEqual([]);
  }, 30_000);
});
