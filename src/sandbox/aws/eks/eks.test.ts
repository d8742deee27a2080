import * as ecrSdk from '@aws-sdk/client-ecr';
import * as eksSdk from '@aws-sdk/client-eks';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../../test/support/sandbox-cloud.ts';
import { podIdentityTrustPolicy } from '../../../iam/trust-policy.ts';

let cloud: TestCloud;
let eks: eksSdk.EKSClient;
const clusterName = 'sandbox';

beforeEach(async () => {
  cloud = await startTestCloud();
  eks = new eksSdk.EKSClient(clientConfig());
});
afterEach(() => cloud.close());

function clientConfig(credentials: { accessKeyId: string; secretAccessKey: string } = cloud.aws.administrator) {
  return { endpoint: cloud.aws.url, region: 'eu-west-1', credentials, maxAttempts: 1 };
}

test('the cluster is listed and described with its issuer', async () => {
  expect((await eks.send(new eksSdk.ListClustersCommand({}))).clusters).toEqual(['sandbox']);
  const { cluster } = await eks.send(new eksSdk.DescribeClusterCommand({ name: 'sandbox' }));
  expect(cluster).toMatchObject({
    arn: 'arn:aws:eks:eu-west-1:000000000000:cluster/sandbox',
    status: 'ACTIVE',
    identity: { oidc: { issuer: cloud.issuer.url } },
  });
  expect(Buffer.from(cluster?.certificateAuthority?.data ?? '', 'base64').toString()).toBe(cloud.issuer.caPem);
});

test.each<[string, () => Promise<unknown>, object]>([
  [
    'another cluster',
    () => eks.send(new eksSdk.DescribeClusterCommand({ name: 'x y' })),
    { name: 'ResourceNotFoundException', message: 'No cluster found for name: x y.' },
  ],
  [
    'an unknown association',
    () => eks.send(new eksSdk.DescribePodIdentityAssociationCommand({ clusterName, associationId: 'a-1' })),
    { name: 'ResourceNotFoundException' },
  ],
  [
    'an unknown key',
    () => {
      const stranger = { accessKeyId: 'AKIAUNKNOWNUNKNOWN00', secretAccessKey: 'x' };
      return new eksSdk.EKSClient(clientConfig(stranger)).send(new eksSdk.ListClustersCommand({}));
    },
    { name: 'UnrecognizedClientException' },
  ],
])('%s is refused', async (_, call, error) => {
  await expect(call()).rejects.toMatchObject(error);
});

describe('Pod Identity', () => {
  const serviceAccount = { namespace: 'flux-system', serviceAccount: 'image-reflector-controller' };
  const roleArn = 'arn:aws:iam::000000000000:role/flux-ecr';
  const audience = { aud: ['pods.eks.amazonaws.com'] };

  beforeEach(async () => {
    const trust = JSON.stringify(podIdentityTrustPolicy());
    const iam = new IAMClient(clientConfig());
    await iam.send(new CreateRoleCommand({ RoleName: 'flux-ecr', AssumeRolePolicyDocument: trust }));
    const Condition = { StringEquals: { 'aws:PrincipalTag/kubernetes-namespace': 'flux-system' } };
    const login = { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*', Condition };
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [login] });
    await iam.send(new PutRolePolicyCommand({ RoleName: 'flux-ecr', PolicyName: 'ecr', PolicyDocument }));
  });

  const associate = () =>
    eks.send(new eksSdk.CreatePodIdentityAssociationCommand({ clusterName, roleArn, ...serviceAccount }));
  async function ask(token: string) {
    const answer = await fetch(`${cloud.aws.url}/v1/credentials`, { headers: { authorization: token } });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  }

  test('gives a pod the associated role, tagged with what the pod is', async () => {
    await associate();
    const { body } = await ask(await cloud.issuer.token(audience));
    const credentials = {
      accessKeyId: body['AccessKeyId'] ?? '',
      secretAccessKey: body['SecretAccessKey'] ?? '',
      sessionToken: body['Token'] ?? '',
    };
    const { Arn } = await new STSClient(clientConfig(credentials)).send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe('arn:aws:sts::000000000000:assumed-role/flux-ecr/eks-sandbox-image-reflector-controller');
    await new ecrSdk.ECRClient(clientConfig(credentials)).send(new ecrSdk.GetAuthorizationTokenCommand({}));
  });

  test('keeps one association for a ServiceAccount, over a restart, until it is deleted', async () => {
    const { association } = await associate();
    await expect(associate()).rejects.toMatchObject({ name: 'ResourceInUseException' });
    await cloud.restart();
    eks = new eksSdk.EKSClient(clientConfig());
    const list = await eks.send(new eksSdk.ListPodIdentityAssociationsCommand({ clusterName }));
    expect(list.associations).toMatchObject([{ associationId: association?.associationId, ...serviceAccount }]);
    const id = { clusterName, associationId: association?.associationId };
    await eks.send(new eksSdk.DeletePodIdentityAssociationCommand(id));
    expect((await ask(await cloud.issuer.token(audience))).status).toBe(400);
  });

  test('refuses other audiences, other ServiceAccounts, and roles that do not trust it', async () => {
    await associate();
    expect((await ask(await cloud.issuer.token())).body['message']).toContain('Token audience must be');
    const other = { ...audience, sub: 'system:serviceaccount:apps:x' };
    expect((await ask(await cloud.issuer.token(other))).body['message']).toContain('ServiceAccount apps/x');
    expect((await ask('nonsense')).body['code']).toBe('InvalidIdentityToken');
    const [statement] = podIdentityTrustPolicy().Statement;
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ ...statement, Action: 'sts:AssumeRole' }],
    });
    const iam = new IAMClient(clientConfig());
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'flux-ecr', PolicyDocument }));
    expect((await ask(await cloud.issuer.token(audience))).body['message']).toContain(
      'does not have permissions to assume',
    );
  });
});
