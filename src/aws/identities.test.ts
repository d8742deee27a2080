import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as eksSdk from '@aws-sdk/client-eks';
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startHttpProxy } from '../../test/support/proxies.ts';
import { startTestCloud, type TestCloud } from '../../test/support/sandbox-cloud.ts';
import { irsaTrustPolicy, podIdentityTrustPolicy } from '../iam/trust-policy.ts';
import { createEcrLogins } from './ecr-login.ts';
import { type AwsEnvironment, parseAwsEnvironment } from './environment.ts';
import { createAwsIdentities } from './identities.ts';
import type { AwsSession } from './identity.ts';
import { findIdentity, type IdentityFacts } from './identity-sources.ts';

const region = 'eu-west-1';
const account = '000000000000';
const host = `${account}.dkr.ecr.${region}.amazonaws.com`;
const reflector = { namespace: 'flux-system', name: 'image-reflector-controller' };
const signal = new AbortController().signal;
const minuteMs = 60_000;

let cloud: TestCloud;
let folder: string;
let iam: IAMClient;

beforeEach(async () => {
  cloud = await startTestCloud();
  folder = await mkdtemp(join(tmpdir(), 'millrace-identity-'));
  iam = new IAMClient({ endpoint: cloud.aws.url, region, credentials: cloud.aws.administrator });
  const { OpenIDConnectProviderArn: providerArn = '' } = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: cloud.issuer.url, ClientIDList: ['sts.amazonaws.com'] }),
  );
  const subject = { providerArn, issuer: cloud.issuer.url, serviceAccounts: [reflector] };
  await createRole('irsa', irsaTrustPolicy([subject]));
  await createRole('pods', podIdentityTrustPolicy());
});
afterEach(async () => {
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

async function createRole(name: string, trust: object): Promise<void> {
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const login = { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' };
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [login] });
  await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: 'ecr', PolicyDocument }));
}

const arnOf = (role: string) => `arn:aws:iam::${account}:role/${role}`;
const seconds = () => Math.floor(Date.now() / 1000);
/** A token that ends after so many minutes. */
const tokenFor = (minutes: number, aud = 'sts.amazonaws.com') =>
  cloud.issuer.token({ aud: [aud], exp: seconds() + minutes * 60 });

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}
const environment = (given: Partial<AwsEnvironment>): AwsEnvironment => ({
  ...given,
  endpoints: { sts: cloud.aws.url, ecr: cloud.aws.url },
});

/** As a long-lived process has it: caches that follow the clock of the services. */
function processWith(facts: IdentityFacts) {
  let offsetMs = 0;
  const clock = { now: () => Date.now() + offsetMs };
  const sessions: AwsSession[] = [];
  const identities = createAwsIdentities({
    ...facts,
    cache: { clock },
    onSession: (session) => sessions.push(session),
  });
  const logins = createEcrLogins({ identities, endpoints: facts.environment.endpoints, cache: { clock } });
  return {
    sessions,
    login: () => logins.login(host, { signal }),
    /** Time passes, here and there. */
    advance(ms: number) {
      offsetMs += ms;
      cloud.advance(ms);
    },
  };
}

describe('injected web identity', () => {
  test('a rotated token file is reread, and the old token is not used again', async () => {
    const tokenFile = await write('token', await tokenFor(10));
    const webIdentity = { roleArn: arnOf('irsa'), tokenFile };
    const { login, advance, sessions } = processWith({ environment: environment({ webIdentity }) });
    expect((await login()).identity).toMatchObject({ provider: 'web-identity', arn: expect.stringContaining('irsa/') });
    advance(70 * minuteMs);
    await expect(login()).rejects.toMatchObject({
      code: 'AWS_REFUSED',
      message: expect.stringContaining('ExpiredTokenException'),
    });
    await write('token', `${await tokenFor(200)}\n`);
    expect((await login()).username).toBe('AWS');
    expect(sessions).toHaveLength(2);
    expect(sessions[0]?.passedOver).toEqual(['service account: none configured']);
  });

  test('a file that is not there says so before anything is sent', async () => {
    const webIdentity = { roleArn: arnOf('irsa'), tokenFile: join(folder, 'none') };
    await expect(processWith({ environment: environment({ webIdentity }) }).login()).rejects.toMatchObject({
      code: 'AWS_IDENTITY_INVALID',
      message: expect.stringContaining('ENOENT'),
      hint: expect.stringContaining('webhook'),
    });
  });
});

describe('EKS Pod Identity', () => {
  const agent = 'pods.eks.amazonaws.com';
  const associate = () => {
    const eks = new eksSdk.EKSClient({ endpoint: cloud.aws.url, region, credentials: cloud.aws.administrator });
    const serviceAccount = { namespace: reflector.namespace, serviceAccount: reflector.name };
    return eks.send(
      new eksSdk.CreatePodIdentityAssociationCommand({
        clusterName: 'sandbox',
        roleArn: arnOf('pods'),
        ...serviceAccount,
      }),
    );
  };
  const podIdentity = async (minutes: number) => ({
    uri: `${cloud.aws.url}/v1/credentials`,
    tokenFile: await write('agent-token', await tokenFor(minutes, agent)),
  });

  test('the agent gives the associated role; its rotated token is reread', async () => {
    await associate();
    const { login, advance } = processWith({ environment: environment({ podIdentity: await podIdentity(10) }) });
    expect((await login()).identity).toEqual({
      provider: 'pod-identity',
      arn: expect.stringContaining('assumed-role/pods/eks-sandbox-image-reflector-controller'),
    });
    advance(7 * 60 * minuteMs);
    await expect(login()).rejects.toMatchObject({ code: 'AWS_REFUSED' });
    await write('agent-token', await tokenFor(10 * 60, agent));
    expect((await login()).identity.provider).toBe('pod-identity');
  });

  test('a refusal keeps the code and message of EKS, and is not repeated', async () => {
    await expect(
      processWith({ environment: environment({ podIdentity: await podIdentity(10) }) }).login(),
    ).rejects.toMatchObject({
      code: 'AWS_REFUSED',
      message: expect.stringMatching(
        /AccessDeniedException: No pod identity association for ServiceAccount flux-system\/image-reflector-controller\. \(HTTP 400\)/,
      ),
      hint: expect.stringContaining('association must exist'),
    });
  });

  /** An agent that answers so many requests with a status and a text before it is well. */
  async function ailingAgent(times: number, status: number, text: string) {
    let asked = 0;
    const server = createServer(async (request, response) => {
      asked++;
      if (asked <= times) return response.writeHead(status).end(text);
      const headers = { authorization: request.headers.authorization ?? '' };
      const answer = await fetch(`${cloud.aws.url}/v1/credentials`, { headers });
      response.writeHead(answer.status).end(await answer.text());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/credentials`;
    return { uri, asked: () => asked, close: () => new Promise((resolve) => server.close(resolve)) };
  }

  test('an agent that fails for a moment is asked again', async () => {
    await associate();
    const ailing = await ailingAgent(2, 500, 'unable to fetch credentials');
    const given = { ...(await podIdentity(10)), uri: ailing.uri };
    expect((await processWith({ environment: environment({ podIdentity: given }) }).login()).username).toBe('AWS');
    expect(ailing.asked()).toBe(3);
    await ailing.close();
  });

  test.each([
    [503, 'agent starting', 3, { code: 'AWS_UNREACHABLE', message: expect.stringContaining('agent starting') }],
    [
      404,
      '[r-1]: (ResourceNotFoundException): The specified association does not exist., fault: client',
      1,
      { code: 'AWS_REFUSED', message: expect.stringContaining('ResourceNotFoundException') },
    ],
    [200, 'no json', 3, { code: 'AWS_UNREACHABLE', hint: expect.stringContaining('eks-pod-identity-agent') }],
  ])('%i %s: asked %i times', async (status, text, times, error) => {
    const ailing = await ailingAgent(100, status, text);
    const given = { ...(await podIdentity(10)), uri: ailing.uri };
    await expect(processWith({ environment: environment({ podIdentity: given }) }).login()).rejects.toMatchObject(
      error,
    );
    expect(ailing.asked()).toBe(times);
    await ailing.close();
  });

  test('the token is sent to nobody but an agent of this machine', async () => {
    const given = { ...(await podIdentity(10)), uri: 'http://192.0.2.1/v1/credentials' };
    await expect(processWith({ environment: environment({ podIdentity: given }) }).login()).rejects.toMatchObject({
      code: 'AWS_IDENTITY_INVALID',
      message: expect.stringContaining('neither local nor https'),
    });
  });
});

describe('a clock that is wrong', () => {
  test.each([-25, 25])(
    "AWS's clock %i minutes from ours: its own Date is used, and the session is kept",
    async (minutes) => {
      cloud.advance(minutes * minuteMs);
      const now = seconds() + minutes * 60;
      const token = await cloud.issuer.token({ iat: now, nbf: now, exp: now + 3600 });
      const webIdentity = { roleArn: arnOf('irsa'), tokenFile: await write('token', token) };
      const { login, sessions } = processWith({ environment: environment({ webIdentity }) });
      await login();
      await login();
      expect(sessions).toHaveLength(1);
      const { clockAheadMs = 0, expiresAt = 0 } = sessions[0]?.credentials ?? {};
      expect(Math.round(clockAheadMs / minuteMs)).toBe(minutes);
      expect(Math.round((expiresAt - Date.now()) / minuteMs)).toBe(60);
    },
  );

  test('access keys too: the first refusal says what time it is', async () => {
    cloud.advance(40 * minuteMs);
    const staticKeys = cloud.aws.administrator;
    const { login, sessions } = processWith({ environment: environment({ staticKeys }) });
    expect((await login()).identity.provider).toBe('static');
    expect(Math.round((sessions[0]?.credentials.clockAheadMs ?? 0) / minuteMs)).toBe(40);
  });
});

describe('the order of the sources', () => {
  const serviceAccounts = (roleArn: string | undefined) => ({
    roleArn: async () => roleArn,
    webIdentityToken: () => tokenFor(10),
  });
  const verdicts = async (facts: IdentityFacts) =>
    (await findIdentity(facts, region, signal)).answers.map(({ source, verdict }) => [source, verdict]);

  test('what each said can be seen', async () => {
    const tokenFile = await write('token', await tokenFor(10));
    const webIdentity = { roleArn: arnOf('irsa'), tokenFile };
    const staticKeys = cloud.aws.administrator;
    const all = { environment: environment({ webIdentity, staticKeys }), controllerServiceAccount: reflector };
    expect(await verdicts({ ...all, serviceAccounts: serviceAccounts(arnOf('irsa')) })).toMatchObject([
      ['service account', 'used'],
      ['injected web identity', 'not asked'],
      ...Array(4).fill([expect.any(String), 'not asked']),
    ]);
    expect((await verdicts({ ...all, serviceAccounts: serviceAccounts(undefined) })).slice(0, 3)).toEqual([
      ['service account', 'lacking'],
      ['injected web identity', 'used'],
      ['Pod Identity', 'not asked'],
    ]);
  });

  test('a source that fails ends it: nobody else takes its place', async () => {
    const staticKeys = cloud.aws.administrator;
    const facts = { environment: environment({ staticKeys }), controllerServiceAccount: reflector };
    const { answers, session, error } = await findIdentity(
      { ...facts, serviceAccounts: serviceAccounts(arnOf('pods')) },
      region,
      signal,
    );
    expect(session).toBeUndefined();
    expect(error).toMatchObject({ code: 'AWS_REFUSED', hint: expect.stringContaining('trust policy') });
    expect(answers[0]).toMatchObject({ verdict: 'failed', detail: expect.stringContaining('AccessDenied') });
    expect(answers[3]).toMatchObject({ source: 'access keys', verdict: 'not asked' });
  });
});

describe('with files and addresses that the SDK finds by itself', () => {
  afterEach(() => vi.unstubAllEnvs());

  test("a person's profile, named or the default one", async () => {
    const { accessKeyId, secretAccessKey } = cloud.aws.administrator;
    const answer = { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
    const process = await write('answer.json', JSON.stringify(answer));
    const config = await write('config', `[profile ci]\ncredential_process = cat ${process}\n[default]\nregion = x\n`);
    vi.stubEnv('AWS_CONFIG_FILE', config);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'none'));
    const people = { environment: environment({}), usesDefaultProfile: true };
    const found = await findIdentity({ ...people, environment: environment({ profile: 'ci' }) }, region, signal);
    expect(found.session?.identity).toMatchObject({ provider: 'profile' });
    expect((await findIdentity(people, region, signal)).answers[4]).toMatchObject({
      verdict: 'lacking',
      detail: 'AWS_PROFILE is not set, and there is no default profile',
    });
    await write(
      'config',
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    const missing = await findIdentity({ ...people, environment: environment({ profile: 'prod' }) }, region, signal);
    expect(missing.error).toMatchObject({ code: 'AWS_NO_CREDENTIALS', message: expect.stringContaining("'prod'") });
  });

  test('the role of the node, by IMDSv2, only where it is allowed', async () => {
    const paths: string[] = [];
    const { accessKeyId, secretAccessKey } = cloud.aws.administrator;
    const Expiration = new Date(Date.now() + 60 * minuteMs).toISOString();
    const imds = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      if (request.method === 'PUT') return response.end('session');
      if (request.headers['x-aws-ec2-metadata-token'] !== 'session') return response.writeHead(401).end();
      if (request.url?.endsWith('/security-credentials/') === true) return response.end('node');
      const keys = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: '' };
      response.end(JSON.stringify({ Code: 'Success', ...keys, Expiration }));
    });
    await new Promise<void>((resolve) => imds.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', `http://127.0.0.1:${(imds.address() as AddressInfo).port}`);
    const facts = { environment: environment({}) };
    expect((await findIdentity(facts, region, signal)).answers[5]).toMatchObject({ verdict: 'lacking' });
    expect(paths).toEqual([]);
    const found = await findIdentity({ ...facts, allowNodeRole: true }, region, signal);
    expect(found.session?.identity.provider ?? found.error).toBe('node-role');
    expect(paths).toContain('GET /latest/meta-data/iam/security-credentials/node');
    imds.close();
    const refused = await findIdentity({ ...facts, allowNodeRole: true }, region, signal);
    expect(refused.error).toMatchObject({
      code: 'AWS_NO_CREDENTIALS',
      message: expect.stringContaining('no EC2 IMDS role found'),
    });
  });
});

test.each([
  ['eu-west-1', 'sts.eu-west-1.amazonaws.com:443'],
  ['us-east-1', 'sts.us-east-1.amazonaws.com:443'],
  ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn:443'],
])('STS of the region %s is asked, not the global one', async (name, address) => {
  // It leads to a server without TLS: where the call went is what is asked.
  const proxy = await startHttpProxy('a:b', { [address]: new URL(cloud.aws.url).host });
  const { endpoints } = parseAwsEnvironment({ HTTPS_PROXY: `http://a:b@${proxy.address}` });
  const tokenFile = await write('token', await tokenFor(10));
  const webIdentity = { roleArn: arnOf('irsa'), tokenFile };
  const { error } = await findIdentity({ environment: { webIdentity, endpoints } }, name, signal);
  expect(error).toMatchObject({ code: 'AWS_UNREACHABLE' });
  expect(new Set(proxy.targets)).toEqual(new Set([address]));
  await proxy.close();
});
