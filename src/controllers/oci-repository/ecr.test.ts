import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { runCli } from '../../../test/support/run-cli.ts';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';
import { createOciHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import { createEcrLogins } from '../../aws/ecr-login.ts';
import { createAwsIdentities } from '../../aws/identities.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { ecrPolicy } from '../../iam/ecr-policy.ts';
import { irsaTrustPolicy } from '../../iam/trust-policy.ts';
import { createRegistryAccess } from '../image/registry-access.ts';

const http = createHttpClient();
let cloud: TestCloud;
let h: SourceHarness;
let administrator: { iam: IAMClient; ecr: ECRClient };
const RoleName = 'source';

beforeAll(async () => {
  cloud = await startTestCloud();
  const config = { endpoint: cloud.aws.url, region: 'eu-west-1', credentials: cloud.aws.administrator };
  administrator = { iam: new IAMClient(config), ecr: new ECRClient(config) };
  const { OpenIDConnectProviderArn: providerArn = '' } = await administrator.iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: cloud.issuer.url, ClientIDList: ['sts.amazonaws.com'] }),
  );
  const serviceAccounts = [{ namespace: 'flux-system', name: 'image-reflector-controller' }];
  const trust = irsaTrustPolicy([{ providerArn, issuer: cloud.issuer.url, serviceAccounts }]);
  await administrator.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  await allow();
  await administrator.ecr.send(new CreateRepositoryCommand({ repositoryName: 'fleet/app' }));
  const { authorizationData } = await administrator.ecr.send(new GetAuthorizationTokenCommand({}));
  const creds = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString();
  const folder = join(cloud.dir, 'content');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.yaml'), 'a: 1\n');
  const { code } = await runCli([
    ...['push', 'artifact', `oci://${cloud.host}/fleet/app:1.0.0`, '-f', folder, '--source', 's', '--revision', 'r'],
    ...['--creds', creds, '--registry-endpoint', `${cloud.host}=${cloud.registry.url}`],
  ]);
  expect(code).toBe(0);

  // What the EKS webhook gives a pod: a role, and a file with a token of its ServiceAccount.
  const tokenFile = join(cloud.dir, 'token');
  writeFileSync(tokenFile, await cloud.issuer.token());
  const roleArn = `arn:aws:iam::${cloud.account.id}:role/${RoleName}`;
  const endpoints = { sts: cloud.aws.url, ecr: cloud.aws.url };
  const identities = createAwsIdentities({ environment: { endpoints, webIdentity: { roleArn, tokenFile } } });
  const ecr = createEcrLogins({ identities, endpoints });
  const reached = { [cloud.host]: cloud.registry.url };
  h = await createOciHarness(join(cloud.dir, 'harness'), (client) => ({
    registries: createRegistryAccess({ client, http, ecr, endpoints: reached }),
  }));
});
afterAll(async () => {
  administrator?.iam.destroy();
  administrator?.ecr.destroy();
  await http.close({ force: true });
  await cloud?.close();
});

const PolicyName = 'pull';
function allow() {
  const scope = { partition: 'aws', region: 'eu-west-1', account: cloud.account.id, repositories: ['fleet/*'] };
  const PolicyDocument = JSON.stringify(ecrPolicy('pull', [scope]));
  return administrator.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
}

test('an artifact in ECR, by web identity: stored, refused without the policy, recovered', async () => {
  await h.put({ url: `oci://${cloud.host}/fleet/app`, ref: { semver: '1.x' }, provider: 'aws' });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  expect(await h.files()).toEqual({ 'a.yaml': 'a: 1\n' });
  const kept = h.artifact();
  await administrator.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({
    status: 'False',
    message: expect.stringMatching(/is not authorized to perform: ecr:/),
  });
  expect(h.artifact()).toEqual(kept);
  await allow();
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
});

test('a pull secret comes before the identity', async () => {
  const auths = { [cloud.host]: { username: 'AWS', password: 'wrong' } };
  const type = 'kubernetes.io/dockerconfigjson';
  await h.cluster.put(secretOf('pull', { '.dockerconfigjson': JSON.stringify({ auths }) }, type));
  await h.edit({ secretRef: { name: 'pull' } });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'False', message: expect.stringMatching(/401|403|denied/i) });
  await h.edit({ secretRef: undefined });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
});
