import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ecrPolicy } from '../iam/ecr-policy.ts';
import { irsaTrustPolicy } from '../iam/trust-policy.ts';
import { pushSmallImage } from './registry/push-image.ts';
import { type Sandbox, startSandbox } from './sandbox.ts';

// Every part of the sandbox together, each spoken to over its own protocol: the delivery's credentials, hop by hop.
let dataDir: string;
let sandbox: Sandbox;
const signal = new AbortController().signal;
const repositoryName = 'zenler/mainapp';
const serviceAccount = { namespace: 'default', name: 'image-reflector-controller' };

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-chain-'));
  sandbox = await startSandbox({ dataDir });
  const iam = new IAMClient(clientConfig());
  const { issuer } = sandbox.kubernetes;
  const provider = new CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList: ['sts.amazonaws.com'] });
  const { OpenIDConnectProviderArn: providerArn = '' } = await iam.send(provider);
  const trust = irsaTrustPolicy([{ providerArn, issuer, serviceAccounts: [serviceAccount] }]);
  await iam.send(new CreateRoleCommand({ RoleName: 'flux-ecr', AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const registry = { partition: 'aws', region: 'eu-west-1', account: '000000000000', repositories: ['zenler/*'] };
  const PolicyDocument = JSON.stringify(ecrPolicy('scan', [registry]));
  await iam.send(new PutRolePolicyCommand({ RoleName: 'flux-ecr', PolicyName: 'ecr', PolicyDocument }));
  await new ECRClient(clientConfig()).send(new CreateRepositoryCommand({ repositoryName }));
  await kube('POST', '/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: serviceAccount.name },
  });
});
afterAll(async () => {
  await sandbox.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function clientConfig(
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = sandbox.aws.administrator,
) {
  return { endpoint: sandbox.aws.url, region: 'eu-west-1', credentials, maxAttempts: 1 };
}

async function kube(method: 'GET' | 'POST', path: string, body?: object) {
  const { url, adminToken, caPem } = sandbox.kubernetes;
  const dispatcher = new Agent({ connect: { ca: caPem } });
  const answer = await request(`${url}${path}`, {
    method,
    dispatcher,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const value = (await answer.body.json()) as Record<string, unknown>;
  await dispatcher.close();
  return { status: answer.statusCode, value };
}

async function serviceAccountToken(name: string, audience = 'sts.amazonaws.com'): Promise<string> {
  const path = `/api/v1/namespaces/default/serviceaccounts/${name}/token`;
  const spec = { audiences: [audience], expirationSeconds: 3600 };
  const { value } = await kube('POST', path, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });
  return (value['status'] as { token: string }).token;
}

async function registryPassword(token: string): Promise<string> {
  const sts = new STSClient(clientConfig());
  const RoleArn = 'arn:aws:iam::000000000000:role/flux-ecr';
  const exchange = new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 'chain', WebIdentityToken: token });
  const { Credentials: c } = await sts.send(exchange);
  const [accessKeyId, secretAccessKey, sessionToken] = [
    c?.AccessKeyId ?? '',
    c?.SecretAccessKey ?? '',
    c?.SessionToken ?? '',
  ];
  return login(new ECRClient(clientConfig({ accessKeyId, secretAccessKey, sessionToken })));
}

async function login(ecr: ECRClient): Promise<string> {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  return Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
    .toString()
    .slice('AWS:'.length);
}

async function push(tag: string): Promise<string> {
  const password = await login(new ECRClient(clientConfig()));
  const target = { endpoint: sandbox.registry.url, username: 'AWS', password };
  return pushSmallImage({ repository: repositoryName, tag, createdAt: 0 }, target, signal);
}

async function until<T>(read: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const value = await read();
    if (value !== undefined) return value;
    await new Promise((wake) => setTimeout(wake, 25));
  }
  throw new Error('it did not happen in time');
}

async function createPod(name: string, tag: string) {
  const image = `${sandbox.access.registry.host}/${repositoryName}:${tag}`;
  const spec = { containers: [{ name: 'app', image }] };
  await kube('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
}

interface PodStatus {
  phase?: string;
  containerStatuses?: { imageID?: string; state?: { waiting?: { reason: string; message?: string } } }[];
}

async function podStatus(name: string): Promise<PodStatus> {
  return ((await kube('GET', `/api/v1/namespaces/default/pods/${name}`)).value['status'] ?? {}) as PodStatus;
}

test('the cluster vouches for a ServiceAccount, STS believes it, and the registry lists tags', async () => {
  await push('1.0.0');
  const password = await registryPassword(await serviceAccountToken(serviceAccount.name));
  const authorization = `Basic ${Buffer.from(`AWS:${password}`).toString('base64')}`;
  const answer = await fetch(`${sandbox.registry.url}/v2/${repositoryName}/tags/list`, { headers: { authorization } });
  expect(await answer.json()).toEqual({ name: repositoryName, tags: ['1.0.0'] });
});

test('another ServiceAccount, or the right one for another audience, gets nothing', async () => {
  await expect(registryPassword(await serviceAccountToken('default'))).rejects.toMatchObject({
    Code: 'AccessDenied',
    message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
  });
  await expect(registryPassword(await serviceAccountToken(serviceAccount.name, 'vault'))).rejects.toMatchObject({
    message: 'Incorrect token audience',
  });
});

test('a pod runs when its image can be pulled, and says why when not', async () => {
  const digest = await push('1.0.1');
  await createPod('good', '1.0.1');
  const running = await until(async () => {
    const status = await podStatus('good');
    return status.phase === 'Running' ? status : undefined;
  });
  expect(running.containerStatuses?.[0]?.imageID).toContain(digest);
  await createPod('bad', '9.9.9');
  const waiting = await until(async () => {
    const state = (await podStatus('bad')).containerStatuses?.[0]?.state?.waiting;
    return state?.reason === 'ErrImagePull' || state?.reason === 'ImagePullBackOff' ? state : undefined;
  });
  expect(waiting.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/);
});

test('all of it goes on after a restart: the issuer, the provider, the role, the images', async () => {
  await sandbox.close();
  sandbox = await startSandbox({ dataDir });
  const password = await registryPassword(await serviceAccountToken(serviceAccount.name));
  expect(password.length).toBeGreaterThan(100);
  expect((await podStatus('good')).phase).toBe('Running');
});
