import {
  CreateRepositoryCommand,
  DescribeImagesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
} from '@aws-sdk/client-ecr';
import {
  AttachRolePolicyCommand,
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';
import { ecrPolicy } from '../../iam/ecr-policy.ts';
import { irsaTrustPolicy } from '../../iam/trust-policy.ts';
import { pushSmallImage } from '../registry/push-image.ts';

let cloud: TestCloud;
const signal = new AbortController().signal;
const roleArn = 'arn:aws:iam::000000000000:role/flux-ecr';

beforeAll(async () => {
  cloud = await startTestCloud();
  const iam = new IAMClient(clientConfig());
  const { OpenIDConnectProviderArn: providerArn = '' } = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: cloud.issuer.url, ClientIDList: ['sts.amazonaws.com'] }),
  );
  const trust = irsaTrustPolicy([
    {
      providerArn,
      issuer: cloud.issuer.url,
      serviceAccounts: [{ namespace: 'flux-system', name: 'image-reflector-controller' }],
    },
  ]);
  await iam.send(new CreateRoleCommand({ RoleName: 'flux-ecr', AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const scope = { partition: 'aws', region: 'eu-west-1', account: '000000000000', repositories: ['zenler/*'] };
  const document = JSON.stringify(ecrPolicy('scan', [scope]));
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: 'flux-ecr', PolicyDocument: document }));
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'flux-ecr', PolicyArn: Policy?.Arn }));
  const ecr = new ECRClient(clientConfig());
  await ecr.send(new CreateRepositoryCommand({ repositoryName: 'zenler/mainapp' }));
  await ecr.send(new CreateRepositoryCommand({ repositoryName: 'other/app' }));
  const password = await login(ecr);
  const target = { endpoint: cloud.registry.url, username: 'AWS', password };
  await pushSmallImage({ repository: 'zenler/mainapp', tag: '1.0.0', createdAt: 0 }, target, signal);
});

afterAll(() => cloud.close());

function clientConfig(credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) {
  return {
    endpoint: cloud.aws.url,
    region: 'eu-west-1',
    credentials: credentials ?? cloud.aws.administrator,
    maxAttempts: 1,
  };
}

async function login(ecr: ECRClient): Promise<string> {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  return Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
    .toString()
    .slice('AWS:'.length);
}

async function assume(token: string, more: Record<string, unknown> = {}) {
  const sts = new STSClient(clientConfig());
  const { Credentials: c } = await sts.send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: roleArn,
      RoleSessionName: 'test',
      WebIdentityToken: token,
      ...more,
    }),
  );
  return {
    accessKeyId: c?.AccessKeyId ?? '',
    secretAccessKey: c?.SecretAccessKey ?? '',
    sessionToken: c?.SessionToken ?? '',
  };
}

async function tags(password: string, repository = 'zenler/mainapp') {
  const authorization = `Basic ${Buffer.from(`AWS:${password}`).toString('base64')}`;
  const answer = await fetch(`${cloud.registry.url}/v2/${repository}/tags/list`, { headers: { authorization } });
  return { status: answer.status, text: await answer.text() };
}

test('a ServiceAccount token becomes credentials, a registry login, and a list of tags', async () => {
  const credentials = await assume(await cloud.issuer.token());
  const sts = new STSClient(clientConfig(credentials));
  const who = await sts.send(new GetCallerIdentityCommand({}));
  expect(who.Arn).toBe('arn:aws:sts::000000000000:assumed-role/flux-ecr/test');
  const password = await login(new ECRClient(clientConfig(credentials)));
  expect(await tags(password)).toEqual({ status: 200, text: '{"name":"zenler/mainapp","tags":["1.0.0"]}' });
});

test('what the policy does not allow is refused in the words of AWS', async () => {
  const credentials = await assume(await cloud.issuer.token());
  const ecr = new ECRClient(clientConfig(credentials));
  await expect(ecr.send(new DescribeImagesCommand({ repositoryName: 'zenler/mainapp' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message:
      'User: arn:aws:sts::000000000000:assumed-role/flux-ecr/test is not authorized to perform: ecr:DescribeImages on resource: arn:aws:ecr:eu-west-1:000000000000:repository/zenler/mainapp because no identity-based policy allows the ecr:DescribeImages action',
  });
  const { status, text } = await tags(await login(ecr), 'other/app');
  expect(status).toBe(403);
  expect(JSON.parse(text).errors[0]).toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('is not authorized to perform: ecr:ListImages on resource:'),
  });
});
