import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyVersionCommand,
  CreateUserCommand,
  DetachRolePolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  IAMClient,
  ListPolicyVersionsCommand,
  PutUserPolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Provisioning, startProvisioning } from '../../../test/support/provisioning.ts';

let at: Provisioning;
let iam: IAMClient;
// One installation that the tests change in turn; the last ones take it away and make it anew.
beforeAll(async () => {
  at = await startProvisioning();
  iam = new IAMClient(at.aws);
  at.configure(['zenler/*']);
  await at.run(['apply']);
});
afterAll(async () => {
  iam.destroy();
  await at.close();
});

const signal = new AbortController().signal;
const RoleName = 'test-image-reflector';
const policyArn = () => at.arnOf('policy/test-ecr-read');

/** The role's trust policy, changed by hand. */
async function editTrust(change: (trust: { Statement: Record<string, unknown>[] }) => void): Promise<void> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const trust = JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''));
  change(trust);
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: JSON.stringify(trust) }));
}

async function writePolicy(statements: object[]): Promise<void> {
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  await iam.send(new CreatePolicyVersionCommand({ PolicyArn: policyArn(), PolicyDocument, SetAsDefault: true }));
}

test('a trust policy that somebody changed is shown, narrowed without a question, and widened only when told', async () => {
  const sub = (trust: { Statement: Record<string, unknown>[] }, operator: string, value: string) => {
    const [statement] = trust.Statement;
    const issuer = String(JSON.stringify(statement)).match(/"([^"]+):sub"/)?.[1];
    if (statement !== undefined) statement['Condition'] = { [operator]: { [`${issuer}:sub`]: value } };
  };
  await editTrust((trust) => sub(trust, 'StringLike', 'system:serviceaccount:*:*'));
  const plan = await at.run(['apply', '--dry-run']);
  expect(plan.stdout).toContain(`update trust policy of ${at.arnOf(`role/${RoleName}`)}\n  is      {`);
  expect(plan.stdout).toContain('system:serviceaccount:*:*');
  expect(plan.stdout).not.toContain('widens');
  expect(await at.run(['apply'])).toMatchObject({ exitCode: 0, stdout: '1 steps done\n' });

  await editTrust((trust) => sub(trust, 'StringEquals', 'system:serviceaccount:apps:other'));
  const refused = await at.run(['apply']);
  expect(refused.stderr).toContain('would also allow system:serviceaccount:flux-system:image-reflector-controller');
  await editTrust((trust) => {
    sub(trust, 'StringEquals', 'system:serviceaccount:flux-system:image-reflector-controller');
    trust.Statement.push({ Sid: 'NotNow', Effect: 'Deny', Principal: '*', Action: 'sts:AssumeRoleWithWebIdentity' });
  });
  expect((await at.run(['apply'])).stderr).toContain('what is denied now by NotNow');
  expect(await at.run(['apply', '--allow-widening'])).toMatchObject({ exitCode: 0 });
  expect(await at.run(['apply'])).toMatchObject({ stdout: 'nothing to do\n' });
}, 60_000);

test('a role that lost its policy gets it back', async () => {
  await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn: policyArn() }));
  expect((await at.run(['apply'])).stderr).toBe(`update attach ${policyArn()} to ${at.arnOf(`role/${RoleName}`)}\n`);
}, 60_000);

test('a denial in the policy is not lifted without a yes, versions are kept to go back to, other policies are noted', async () => {
  const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn: policyArn(), VersionId: 'v1' }));
  const { Statement } = JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? ''));
  await writePolicy([
    ...Statement,
    { Sid: 'NoSecrets', Effect: 'Deny', Action: 'ecr:*', Resource: 'arn:aws:ecr:*:*:repository/zenler/secret' },
  ]);
  expect((await at.run(['apply'])).stderr).toContain('what is denied now by NoSecrets');
  // As many versions as a policy can have: room is made by the oldest that is not in force.
  for (const name of ['a', 'b', 'c'])
    await writePolicy([{ Effect: 'Allow', Action: 'ecr:*', Resource: `arn:aws:ecr:*:*:repository/${name}` }]);
  expect(await at.run(['apply', '--allow-widening'])).toMatchObject({ exitCode: 0 });
  const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn: policyArn() }));
  expect(Versions.map(({ VersionId }) => VersionId)).toHaveLength(5);
  expect(Versions.find(({ IsDefaultVersion }) => IsDefaultVersion)?.VersionId).toBe('v6');

  const administrator = 'arn:aws:iam::aws:policy/AdministratorAccess';
  await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: administrator }));
  expect((await at.run(['apply'])).stdout).toContain(`another policy besides: ${administrator}\nnothing to do`);
  await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn: administrator }));
}, 60_000);

test('keys of another account, or a kubeconfig of another cluster, are no way to provision this one', async () => {
  at.configure(['zenler/*'], { aws: { account: '999999999999', region: 'eu-west-1' } });
  const { exitCode, stderr } = await at.run(['apply']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('aws.account is 999999999999, and the AWS credentials are of 000000000000');
  const issuer = 'https://oidc.eks.eu-west-1.amazonaws.com/id/OTHER';
  at.configure(['zenler/*'], { cluster: { name: 'other', issuer } });
  expect((await at.run(['apply'])).stderr).toContain(
    `${issuer}, and the kubeconfig leads to one with https://127.0.0.1:`,
  );
  at.configure(['zenler/*']);
});

test('the policy of a queue is brought into line without a question where EventBridge may send already', async () => {
  at.configure(['zenler/*'], { events: true });
  // The scanner may take from the queue from now on.
  expect((await at.run(['apply'])).stderr).toContain('would also allow sqs:ReceiveMessage on ');
  await at.run(['apply', '--allow-widening']);
  const sqs = new SQSClient(at.aws);
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'test-ecr-push' }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }));
  const policy = JSON.parse(Attributes?.Policy ?? '');
  const set = (statements: object[]) => {
    const Policy = JSON.stringify({ ...policy, Statement: statements });
    return sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  };
  const [{ Condition: _, ...open }] = policy.Statement;
  await set([open]);
  const narrowed = await at.run(['apply', '--dry-run']);
  expect(narrowed.stdout).toContain('update SQS queue test-ecr-push: Policy\n  Policy is ');
  expect(narrowed.stdout).not.toContain('widens');
  expect(await at.run(['apply'])).toMatchObject({ exitCode: 0, stdout: '1 steps done\n' });

  await set([
    {
      ...policy.Statement[0],
      Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:eu-west-1:000000000000:rule/other' } },
    },
  ]);
  expect((await at.run(['apply'])).stderr).toContain(
    'would also allow sqs:SendMessage by arn:aws:events:eu-west-1:000000000000:rule/test-ecr-push',
  );
  await set([
    ...policy.Statement,
    { Sid: 'Closed', Effect: 'Deny', Principal: '*', Action: 'sqs:DeleteMessage', Resource: '*' },
  ]);
  expect((await at.run(['apply'])).stderr).toContain('what is denied now by Closed');
  sqs.destroy();
}, 60_000);

test('destroy waits until the controllers let an object go, and leaves a namespace with things of others', async () => {
  at.configure(['zenler/*']);
  await at.run(['apply']);
  const options = { fieldManager: 'test', signal };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'mine', namespace: 'flux-system' } };
  await at.kube.create(secret, options);
  const ref = {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    namespace: 'flux-system',
    name: 'flux-system',
  };
  await at.kube.patch(ref, 'merge', { metadata: { finalizers: ['finalizers.fluxcd.io'] } }, options);
  const destroying = at.run(['destroy']);
  await expect.poll(async () => (await at.kube.get(ref, { signal }))?.metadata.deletionTimestamp).toBeDefined();
  // Nothing goes before it: the controller that prunes needs its rights.
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'flux-system', name: 'millrace' };
  expect(await at.kube.get(account, { signal })).toBeDefined();
  await at.kube.patch(ref, 'merge', { metadata: { finalizers: null } }, options);
  const { exitCode, stdout } = await destroying;
  expect(exitCode).toBe(0);
  expect(stdout).toContain('kept Namespace/flux-system: others have things in it: Secret/mine');
  expect(await at.kube.get(account, { signal })).toBeUndefined();
  await at.kube.delete({ ...secret, name: 'mine', namespace: 'flux-system' }, { signal });
  expect(await at.run(['destroy'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 steps done') });
}, 60_000);

test('a step that is not permitted is named; what was done before it stays, and the next run goes on', async () => {
  const UserName = 'operator';
  await iam.send(new CreateUserCommand({ UserName }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const keys = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
  const may = async (...denied: string[]) => {
    const statements = [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: denied, Resource: '*' },
    ];
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: denied.length > 0 ? statements : statements.slice(0, 1),
    });
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'rights', PolicyDocument }));
  };
  at.configure(['zenler/*']);
  await may('iam:CreateRole');
  const refused = await at.run(['apply'], keys);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toContain(`error: create IAM role ${at.arnOf(`role/${RoleName}`)}: `);
  expect(refused.stderr).toContain('is not authorized to perform: iam:CreateRole');
  expect(refused.stderr).toMatch(/\(2 of \d+ steps done\)/);
  expect(refused.stderr).toContain('code: PROVISION_STOPPED');

  // As after a process that was killed between the two calls of a step: there is a role, and nothing attached to it.
  await may('iam:AttachRolePolicy');
  expect((await at.run(['apply'], keys)).stderr).toContain('iam:AttachRolePolicy');
  await may();
  expect((await at.run(['apply'], keys)).stderr).toContain('update attach ');
  expect(await at.run(['apply'], keys)).toMatchObject({ stdout: 'nothing to do\n' });
  await may('iam:GetRole');
  expect((await at.run(['apply'], keys)).stderr).toMatch(/error: .*iam:GetRole/);
  await may('iam:DeletePolicy');
  expect((await at.run(['destroy'], keys)).stderr).toContain(`error: delete IAM policy ${policyArn()}: `);
  await may();
  expect(await at.run(['destroy'], keys)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/2 steps done|3 steps done/),
  });
}, 60_000);
