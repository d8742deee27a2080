import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type EmbeddedCluster, openEmbeddedCluster, secretOf } from '../../../test/support/embedded-cluster.ts';
import { startHttpProxy } from '../../../test/support/proxies.ts';
import { runCli } from '../../../test/support/run-cli.ts';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';
import { createEcrLogins } from '../../aws/ecr-login.ts';
import { createAwsIdentities } from '../../aws/identities.ts';
import type { Clock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { serviceAccountsOf } from '../../cli/run/aws-identities.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { ecrPolicy } from '../../iam/ecr-policy.ts';
import { irsaTrustPolicy } from '../../iam/trust-policy.ts';
import { createRegistryAccess } from '../image/registry-access.ts';
import { createTagStore } from '../image/tag-store.ts';
import { createImageRepositoryController } from './controller.ts';

const signal = new AbortController().signal;
const group = 'image.toolkit.fluxcd.io/v1';
const http = createHttpClient();
const namespace = 'team-ecr';
let cloud: TestCloud;
let cluster: EmbeddedCluster;
/** How far the controller's clock is ahead, and the cloud's. */
let aheadMs = 0;
let cloudAheadMs = 0;
let roleArn: string;

/** A cloud in which the ServiceAccount `reader` of the namespace may pull `fleet/*`, which has one image with two tags. */
beforeAll(async () => {
  cloud = await startTestCloud();
  cluster = await openEmbeddedCluster(namespace);
  const config = { endpoint: cloud.aws.url, region: 'eu-west-1', credentials: cloud.aws.administrator };
  const iam = new IAMClient(config);
  const ecr = new ECRClient(config);
  const { OpenIDConnectProviderArn: providerArn = '' } = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: cloud.issuer.url, ClientIDList: ['sts.amazonaws.com'] }),
  );
  const serviceAccounts = [{ namespace, name: 'reader' }];
  const trust = irsaTrustPolicy([{ providerArn, issuer: cloud.issuer.url, serviceAccounts }]);
  const role = { RoleName: 'reader' };
  await iam.send(new CreateRoleCommand({ ...role, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const scope = { partition: 'aws', region: 'eu-west-1', account: cloud.account.id, repositories: ['fleet/*'] };
  const PolicyDocument = JSON.stringify(ecrPolicy('pull', [scope]));
  await iam.send(new PutRolePolicyCommand({ ...role, PolicyName: 'pull', PolicyDocument }));
  roleArn = `arn:aws:iam::${cloud.account.id}:role/reader`;
  await ecr.send(new CreateRepositoryCommand({ repositoryName: 'fleet/app' }));
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const creds = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString();
  const folder = join(cloud.dir, 'content');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.yaml'), 'a: 1\n');
  for (const tag of ['1.0.0', '1.0.1']) {
    const { code } = await runCli([
      ...['push', 'artifact', `oci://${cloud.host}/fleet/app:${tag}`, '-f', folder, '--source', 's', '--revision', 'r'],
      ...['--creds', creds, '--registry-endpoint', `${cloud.host}=${cloud.registry.url}`],
    ]);
    expect(code).toBe(0);
  }
  iam.destroy();
  ecr.destroy();
});
afterAll(async () => {
  await http.close({ force: true });
  await cloud?.close();
});
beforeEach(async () => {
  await cluster.clear(['ImageRepository', 'ServiceAccount', 'Secret']);
  const spec = { image: `${cloud.host}/fleet/app`, interval: '1m', provider: 'aws' };
  await cluster.put({ apiVersion: group, kind: 'ImageRepository', metadata: { name: 'app' }, spec });
});

let stores = 0;

/** A controller with nothing cached yet; by default with the gate that lets objects have identities of their own. */
function newController({ gate = true, defaultServiceAccount = undefined as string | undefined } = {}) {
  const endpoints = { sts: cloud.aws.url, ecr: cloud.aws.url };
  const clock: Clock = { now: () => Date.now() + aheadMs };
  const identities = createAwsIdentities({
    environment: { endpoints },
    cache: { clock },
    serviceAccounts: {
      ...serviceAccountsOf(cluster.client),
      // The cloud trusts an issuer of its own, at the cloud's time.
      webIdentityToken: (account) => {
        const now = Math.floor((Date.now() + cloudAheadMs) / 1000);
        const sub = `system:serviceaccount:${account.namespace}:${account.name}`;
        return cloud.issuer.token({ sub, iat: now, nbf: now, exp: now + 3600 });
      },
    },
  });
  const ecr = createEcrLogins({ identities, endpoints, cache: { clock } });
  const reached = { [cloud.host]: cloud.registry.url };
  const { client, events } = cluster;
  return createImageRepositoryController({
    client,
    events,
    clock,
    tags: createTagStore(join(cloud.dir, `tags-${++stores}`)),
    registries: createRegistryAccess({ client, ecr, http, endpoints: reached, defaultServiceAccount }),
    objectLevelWorkloadIdentity: gate,
  });
}

async function scan(spec: Record<string, unknown>, controller = newController()) {
  await cluster.edit('ImageRepository', 'app', spec);
  const key = { namespace, name: 'app' };
  await controller.reconcile(key, { signal, superseded: signal, logger: silentLogger }).catch(() => {});
  await cluster.refresh('ImageRepository', 'app');
  const { status, reason, message } = cluster.condition('ImageRepository', 'app', 'Ready') ?? {};
  return { status, reason, message };
}

function putReader(annotations: Record<string, string> = { 'eks.amazonaws.com/role-arn': roleArn }) {
  return cluster.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader', annotations } });
}

const found = { status: 'True', message: expect.stringMatching(/^successful scan: found 2 tags/) };
const identity = () => cluster.condition('ImageRepository', 'app', 'Identity');

test("a scan as the object's own ServiceAccount, which the status names", async () => {
  await putReader();
  expect(await scan({ serviceAccountName: 'reader' })).toMatchObject(found);
  expect(identity()).toMatchObject({
    reason: 'ServiceAccount',
    message: expect.stringContaining(
      `arn:aws:sts::${cloud.account.id}:assumed-role/reader/reader.${namespace}.eu-west-1.fluxcd.io`,
    ),
  });
});

test('without the gate it stalls', async () => {
  expect(await scan({ serviceAccountName: 'reader' }, newController({ gate: false }))).toEqual({
    status: 'False',
    reason: 'FeatureGateDisabled',
    message:
      'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller',
  });
});

test('what is wrong with the ServiceAccount is named; a lock-down says that it is one', async () => {
  const failed = (message: string) => ({ status: 'False', reason: 'ReadOperationFailed', message });
  const missing = `scan failed: failed to get service account '${namespace}/reader': serviceaccounts "reader" not found`;
  expect(await scan({ serviceAccountName: 'reader' })).toEqual(failed(missing));
  await putReader({ 'eks.amazonaws.com/role-arn': 'reader' });
  expect((await scan({})).message).toMatch(/invalid eks\.amazonaws\.com\/role-arn annotation: 'reader'\. must match/);
  const lockedDown = newController({ defaultServiceAccount: 'tenant' });
  expect((await scan({ serviceAccountName: undefined }, lockedDown)).message).toMatch(
    /^scan failed: failed to get service account 'team-ecr\/tenant': .*multi-tenant lockdown/,
  );
});

test('under a lock-down the default account asks, and its proxy carries STS, ECR and the registry', async () => {
  await putReader();
  const proxy = await startHttpProxy('joe:pw');
  await cluster.put(secretOf('proxy', { address: `http://${proxy.address}`, username: 'joe', password: 'pw' }));
  const controller = newController({ defaultServiceAccount: 'reader' });
  expect(await scan({ proxySecretRef: { name: 'proxy' } }, controller)).toMatchObject(found);
  const asked = (url: string) => proxy.targets.filter((target) => target === new URL(url).host).length;
  // One tunnel for STS and one for ECR.
  expect(asked(cloud.aws.url)).toBe(2);
  expect(asked(cloud.registry.url)).toBeGreaterThanOrEqual(1);
  await proxy.close();
});

function advanceCloud(): void {
  const ms = 13 * 3_600_000;
  cloud.advance(ms);
  cloudAheadMs += ms;
}

test('a login that has ended is made anew', async () => {
  await putReader();
  const controller = newController();
  expect(await scan({ serviceAccountName: 'reader' }, controller)).toMatchObject(found);
  advanceCloud();
  aheadMs = cloudAheadMs;
  expect(await scan({ exclusionList: ['x'] }, controller)).toMatchObject(found);
  // By the controller's clock login and session are good still: the registry and ECR refuse them.
  advanceCloud();
  expect(await scan({ exclusionList: ['y'] }, controller)).toMatchObject(found);
});
