import * as iamSdk from '@aws-sdk/client-iam';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../../test/support/sandbox-cloud.ts';

let cloud: TestCloud;
let iam: iamSdk.IAMClient;
beforeEach(async () => {
  cloud = await startTestCloud();
  iam = new iamSdk.IAMClient({
    endpoint: cloud.aws.url,
    region: 'eu-west-1',
    credentials: cloud.aws.administrator,
    maxAttempts: 1,
  });
});
afterEach(() => cloud.close());

const trust = policy({ Effect: 'Allow', Principal: { AWS: '000000000000' }, Action: 'sts:AssumeRole' });
const login = policy({ Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' });
const policyArn = 'arn:aws:iam::000000000000:policy/p';

function policy(...Statement: object[]) {
  return JSON.stringify({ Version: '2012-10-17', Statement });
}
const createRole = (RoleName: string, more: object = {}) =>
  iam.send(new iamSdk.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust, ...more }));
const createPolicy = (PolicyName = 'p') =>
  iam.send(new iamSdk.CreatePolicyCommand({ PolicyName, PolicyDocument: login }));

describe('roles', () => {
  test('are described as they were made, also after a restart', async () => {
    await createRole('r', {
      Path: '/flux/',
      Description: 'd',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'a', Value: 'b' }],
    });
    await cloud.restart();
    iam = new iamSdk.IAMClient({
      endpoint: cloud.aws.url,
      region: 'eu-west-1',
      credentials: cloud.aws.administrator,
      maxAttempts: 1,
    });
    const { Role } = await iam.send(new iamSdk.GetRoleCommand({ RoleName: 'r' }));
    expect(Role).toMatchObject({
      Arn: 'arn:aws:iam::000000000000:role/flux/r',
      RoleId: expect.stringMatching(/^AROA[A-Z2-7]{17}$/),
      Description: 'd',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'a', Value: 'b' }],
    });
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toBe(trust);
  });

  test('are listed in pages', async () => {
    for (const name of ['c', 'a', 'b']) await createRole(name);
    const names: (string | undefined)[] = [];
    for await (const page of iamSdk.paginateListRoles({ client: iam, pageSize: 2 }, {})) {
      names.push(...(page.Roles ?? []).map(({ RoleName }) => RoleName));
    }
    expect(names).toEqual(['a', 'b', 'c', 'sandbox-node']);
  });

  test('cannot be deleted while they have policies', async () => {
    await createRole('r');
    await createPolicy();
    await iam.send(new iamSdk.AttachRolePolicyCommand({ RoleName: 'r', PolicyArn: policyArn }));
    const drop = () => iam.send(new iamSdk.DeleteRoleCommand({ RoleName: 'r' }));
    await expect(drop()).rejects.toMatchObject({
      name: 'DeleteConflictException',
      message: expect.stringMatching(/must detach all policies first/),
    });
    await expect(iam.send(new iamSdk.DeletePolicyCommand({ PolicyArn: policyArn }))).rejects.toThrow(
      /attached to entities/,
    );
    await iam.send(new iamSdk.DetachRolePolicyCommand({ RoleName: 'r', PolicyArn: policyArn }));
    await iam.send(new iamSdk.PutRolePolicyCommand({ RoleName: 'r', PolicyName: 'inline', PolicyDocument: login }));
    await expect(drop()).rejects.toThrow(/must delete policies first/);
    await iam.send(new iamSdk.DeleteRolePolicyCommand({ RoleName: 'r', PolicyName: 'inline' }));
    await drop();
    await expect(iam.send(new iamSdk.GetRoleCommand({ RoleName: 'r' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      message: 'The role with name r cannot be found.',
    });
  });

  test('take tags, another trust policy and a boundary', async () => {
    await createRole('r');
    await createPolicy();
    const other = trust.replace('000000000000', '111111111111');
    await iam.send(new iamSdk.UpdateAssumeRolePolicyCommand({ RoleName: 'r', PolicyDocument: other }));
    await iam.send(
      new iamSdk.TagRoleCommand({
        RoleName: 'r',
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'b', Value: '2' },
        ],
      }),
    );
    await iam.send(new iamSdk.UntagRoleCommand({ RoleName: 'r', TagKeys: ['a'] }));
    await iam.send(new iamSdk.PutRolePermissionsBoundaryCommand({ RoleName: 'r', PermissionsBoundary: policyArn }));
    const { Role } = await iam.send(new iamSdk.GetRoleCommand({ RoleName: 'r' }));
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toBe(other);
    expect(Role?.Tags).toEqual([{ Key: 'b', Value: '2' }]);
    expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(policyArn);
  });

  test.each<[string, object, string, RegExp]>([
    ['a name with a slash', { RoleName: 'a/b' }, 'ValidationError', /specified value for roleName is invalid/],
    ['a name that is too long', { RoleName: 'x'.repeat(65) }, 'ValidationError', /less than or equal to 64/],
    [
      'a malformed trust policy',
      { AssumeRolePolicyDocument: login },
      'MalformedPolicyDocument',
      /Missing required field Principal|prohibited|only specify/,
    ],
    [
      'a trust policy that is too long',
      { AssumeRolePolicyDocument: trust.replace('000000000000', `000000000000","${'x'.repeat(2048)}`) },
      'LimitExceeded',
      /ACLSizePerRole: 2048/,
    ],
    ['a session that is too long', { MaxSessionDuration: 50_000 }, 'ValidationError', /less than or equal to 43200/],
    [
      'a name that is taken',
      { RoleName: 'sandbox-node' },
      'EntityAlreadyExists',
      /Role with name sandbox-node already exists/,
    ],
    ['an unknown boundary', { PermissionsBoundary: policyArn }, 'NoSuchEntity', /does not exist/],
  ])('%s is refused', async (_, input, code, message) => {
    const error = await createRole('r', input).catch((reason: Error) => reason);
    expect(error).toMatchObject({ Code: code, message: expect.stringMatching(message) });
  });
});

describe('managed policies', () => {
  test('keep five versions, one of which counts', async () => {
    await createPolicy();
    const add = (SetAsDefault: boolean) =>
      iam.send(new iamSdk.CreatePolicyVersionCommand({ PolicyArn: policyArn, PolicyDocument: login, SetAsDefault }));
    for (let i = 0; i < 4; i++) await add(i === 0);
    await expect(add(false)).rejects.toMatchObject({ name: 'LimitExceededException' });
    const { Versions } = await iam.send(new iamSdk.ListPolicyVersionsCommand({ PolicyArn: policyArn }));
    expect(Versions?.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion])).toEqual([
      ['v5', false],
      ['v4', false],
      ['v3', false],
      ['v2', true],
      ['v1', false],
    ]);
    const remove = (VersionId: string) =>
      iam.send(new iamSdk.DeletePolicyVersionCommand({ PolicyArn: policyArn, VersionId }));
    await expect(remove('v2')).rejects.toThrow('Cannot delete the default version of a policy.');
    await remove('v1');
    await add(true);
    const { Policy } = await iam.send(new iamSdk.GetPolicyCommand({ PolicyArn: policyArn }));
    expect(Policy?.DefaultVersionId).toBe('v6');
    const got = await iam.send(new iamSdk.GetPolicyVersionCommand({ PolicyArn: policyArn, VersionId: 'v6' }));
    expect(decodeURIComponent(got.PolicyVersion?.Document ?? '')).toBe(login);
  });

  test('are listed with what they are attached to', async () => {
    await createPolicy();
    await createRole('r');
    await iam.send(new iamSdk.AttachRolePolicyCommand({ RoleName: 'r', PolicyArn: policyArn }));
    const attached = await iam.send(new iamSdk.ListAttachedRolePoliciesCommand({ RoleName: 'r' }));
    expect(attached.AttachedPolicies).toEqual([{ PolicyName: 'p', PolicyArn: policyArn }]);
    const { Policies } = await iam.send(new iamSdk.ListPoliciesCommand({ Scope: 'Local', OnlyAttached: true }));
    expect(Policies).toMatchObject([{ PolicyName: 'p', AttachmentCount: 1 }]);
    const entities = await iam.send(new iamSdk.ListEntitiesForPolicyCommand({ PolicyArn: policyArn }));
    expect(entities.PolicyRoles).toMatchObject([{ RoleName: 'r' }]);
  });

  test("AWS's own are known", async () => {
    const PolicyArn = 'arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly';
    await createRole('r');
    await iam.send(new iamSdk.AttachRolePolicyCommand({ RoleName: 'r', PolicyArn }));
    const { EvaluationResults } = await iam.send(
      new iamSdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: 'arn:aws:iam::000000000000:role/r',
        ActionNames: ['ecr:ListImages', 'ecr:PutImage'],
        ResourceArns: ['arn:aws:ecr:eu-west-1:000000000000:repository/a'],
      }),
    );
    expect(
      EvaluationResults?.map(({ EvalDecision, MatchedStatements }) => [EvalDecision, MatchedStatements?.length]),
    ).toEqual([
      ['allowed', 1],
      ['implicitDeny', 0],
    ]);
  });

  test.each([
    ['the same name twice', 'p', /A policy called p already exists/],
    ['a name with a slash', 'a/b', /specified value for policyName is invalid/],
  ])('%s is refused', async (_, name, message) => {
    await createPolicy();
    await expect(createPolicy(name)).rejects.toThrow(message);
  });
});

describe('OIDC providers', () => {
  const Url = 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE';
  const arn = 'arn:aws:iam::000000000000:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE';
  const create = () =>
    iam.send(new iamSdk.CreateOpenIDConnectProviderCommand({ Url, ClientIDList: ['sts.amazonaws.com'] }));

  test('are made, changed, listed and deleted', async () => {
    expect((await create()).OpenIDConnectProviderArn).toBe(arn);
    const client = { OpenIDConnectProviderArn: arn, ClientID: 'other' };
    await iam.send(new iamSdk.AddClientIDToOpenIDConnectProviderCommand(client));
    expect(await iam.send(new iamSdk.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn }))).toMatchObject(
      {
        Url: 'oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE',
        ClientIDList: ['sts.amazonaws.com', 'other'],
      },
    );
    await iam.send(new iamSdk.RemoveClientIDFromOpenIDConnectProviderCommand(client));
    const list = await iam.send(new iamSdk.ListOpenIDConnectProvidersCommand({}));
    expect(list.OpenIDConnectProviderList).toEqual([{ Arn: arn }]);
    await iam.send(new iamSdk.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn }));
    await expect(
      iam.send(new iamSdk.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn })),
    ).rejects.toMatchObject({ Code: 'NoSuchEntity', message: `OpenIDConnect Provider not found for arn ${arn}` });
  });

  test('exist once', async () => {
    await create();
    await expect(create()).rejects.toMatchObject({ Code: 'EntityAlreadyExists' });
  });
});

test('a custom policy is simulated with context', async () => {
  const condition = { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } };
  const document = policy({ Effect: 'Allow', Action: 'ecr:*', Resource: '*', Condition: condition });
  const simulate = async (region: string) => {
    const { EvaluationResults } = await iam.send(
      new iamSdk.SimulateCustomPolicyCommand({
        PolicyInputList: [document],
        ActionNames: ['ecr:ListImages'],
        ContextEntries: [
          { ContextKeyName: 'aws:RequestedRegion', ContextKeyType: 'string', ContextKeyValues: [region] },
        ],
      }),
    );
    return EvaluationResults?.[0]?.EvalDecision;
  };
  expect([await simulate('eu-west-1'), await simulate('us-east-1')]).toEqual(['allowed', 'implicitDeny']);
});

describe('users', () => {
  const create = (UserName: string) => iam.send(new iamSdk.CreateUserCommand({ UserName }));
  const loginPolicy = { UserName: 'ci', PolicyName: 'login', PolicyDocument: login };

  test('sign with their own keys and do what their policies allow', async () => {
    await create('ci');
    const { AccessKey } = await iam.send(new iamSdk.CreateAccessKeyCommand({ UserName: 'ci' }));
    const credentials = {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    };
    const own = new iamSdk.IAMClient({ endpoint: cloud.aws.url, region: 'eu-west-1', credentials, maxAttempts: 1 });
    await expect(own.send(new iamSdk.GetUserCommand({}))).rejects.toMatchObject({
      Code: 'AccessDenied',
      message:
        'User: arn:aws:iam::000000000000:user/ci is not authorized to perform: iam:GetUser on resource: user ci because no identity-based policy allows the iam:GetUser action',
    });
    const self = policy({ Effect: 'Allow', Action: 'iam:Get*', Resource: 'arn:aws:iam::*:user/${aws:username}' });
    await iam.send(new iamSdk.PutUserPolicyCommand({ ...loginPolicy, PolicyDocument: self }));
    expect((await own.send(new iamSdk.GetUserCommand({}))).User?.UserName).toBe('ci');
    await iam.send(new iamSdk.DeleteAccessKeyCommand({ UserName: 'ci', AccessKeyId: credentials.accessKeyId }));
    await expect(own.send(new iamSdk.GetUserCommand({}))).rejects.toMatchObject({ Code: 'InvalidClientTokenId' });
  });

  test('are deleted when nothing is left of them', async () => {
    await create('ci');
    await expect(create('ci')).rejects.toMatchObject({ Code: 'EntityAlreadyExists' });
    for (let i = 0; i < 2; i++) await iam.send(new iamSdk.CreateAccessKeyCommand({ UserName: 'ci' }));
    await expect(iam.send(new iamSdk.CreateAccessKeyCommand({ UserName: 'ci' }))).rejects.toMatchObject({
      Code: 'LimitExceeded',
    });
    const drop = () => iam.send(new iamSdk.DeleteUserCommand({ UserName: 'ci' }));
    await expect(drop()).rejects.toThrow(/must delete access keys first/);
    const { AccessKeyMetadata } = await iam.send(new iamSdk.ListAccessKeysCommand({ UserName: 'ci' }));
    for (const { AccessKeyId } of AccessKeyMetadata ?? []) {
      await iam.send(new iamSdk.DeleteAccessKeyCommand({ UserName: 'ci', AccessKeyId }));
    }
    await iam.send(new iamSdk.PutUserPolicyCommand(loginPolicy));
    await expect(drop()).rejects.toThrow(/must delete policies first/);
    await iam.send(new iamSdk.DeleteUserPolicyCommand(loginPolicy));
    await drop();
    const { Users } = await iam.send(new iamSdk.ListUsersCommand({}));
    expect(Users?.map(({ UserName }) => UserName)).toEqual(['administrator']);
  });

  test('are simulated as roles are', async () => {
    await create('ci');
    await createPolicy();
    await iam.send(new iamSdk.AttachUserPolicyCommand({ UserName: 'ci', PolicyArn: policyArn }));
    const { EvaluationResults } = await iam.send(
      new iamSdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: 'arn:aws:iam::000000000000:user/ci',
        ActionNames: ['ecr:GetAuthorizationToken'],
      }),
    );
    expect(EvaluationResults?.[0]).toMatchObject({ EvalDecision: 'allowed', EvalResourceName: '*' });
    const { PolicyUsers } = await iam.send(new iamSdk.ListEntitiesForPolicyCommand({ PolicyArn: policyArn }));
    expect(PolicyUsers).toMatchObject([{ UserName: 'ci' }]);
  });
});
