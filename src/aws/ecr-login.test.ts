import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type AwsDouble, startAwsDouble } from '../../test/doubles/aws.ts';
import { startHttpProxy } from '../../test/support/proxies.ts';
import { createEcrLogins } from './ecr-login.ts';
import { parseAwsEnvironment } from './environment.ts';
import { type AwsIdentitiesOptions, createAwsIdentities } from './identities.ts';
import { fitSessionName, sessionName } from './session-name.ts';

const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const reflector = { namespace: 'flux-system', name: 'image-reflector-controller' };
const roleArn = 'arn:aws:iam::111122223333:role/reader';
const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln';
const signal = new AbortController().signal;

let double: AwsDouble;
afterEach(() => double.close());

function loginsFor(options: Partial<AwsIdentitiesOptions> = {}) {
  const endpoints = { sts: double.url, ecr: double.url };
  const environment = { ...options.environment, endpoints };
  const identities = createAwsIdentities({ ...options, environment });
  return createEcrLogins({ identities, endpoints });
}

const serviceAccounts = {
  roleArn: async () => roleArn,
  webIdentityToken: async () => jwt,
};

test("the controller's ServiceAccount is exchanged for a login that names its role", async () => {
  double = await startAwsDouble();
  const logins = loginsFor({ serviceAccounts, controllerServiceAccount: reflector });
  const login = await logins.login(host, { signal });
  expect(login).toMatchObject({ username: 'AWS', password: 'secret' });
  expect(login.identity).toEqual({
    provider: 'service-account',
    arn: `arn:aws:sts::111122223333:assumed-role/reader/${sessionName(reflector, 'eu-west-1')}`,
  });
  expect(double.calls.map(({ action }) => action)).toEqual(['AssumeRoleWithWebIdentity', 'GetAuthorizationToken']);
  expect(double.calls[0]?.form.get('WebIdentityToken')).toBe(jwt);
  expect(double.calls[0]?.authorization).toBe('');
  expect(double.calls[1]?.authorization).toContain('/eu-west-1/ecr/aws4_request');
});

test('many callers at once cost one exchange, and a region one login', async () => {
  double = await startAwsDouble();
  const logins = loginsFor({ serviceAccounts, controllerServiceAccount: reflector });
  const other = '444455556666.dkr.ecr.eu-west-1.amazonaws.com';
  await Promise.all([host, host, other, host].map((name) => logins.login(name, { signal })));
  expect(double.calls).toHaveLength(2);
});

test('without an annotation the injected role is used, its file read for every exchange', async () => {
  double = await startAwsDouble();
  const tokenFile = join(await mkdtemp(join(tmpdir(), 'aws-')), 'token');
  await writeFile(tokenFile, jwt);
  const logins = loginsFor({
    serviceAccounts: { ...serviceAccounts, roleArn: async () => undefined },
    controllerServiceAccount: reflector,
    environment: { webIdentity: { roleArn, tokenFile }, endpoints: {} },
  });
  double.failNext('AssumeRoleWithWebIdentity', 400, 'ExpiredTokenException', 'Token expired');
  expect((await logins.login(host, { signal })).identity.provider).toBe('web-identity');
});

test('a refused exchange keeps the code and text of AWS and says what to check', async () => {
  double = await startAwsDouble();
  const logins = loginsFor({ serviceAccounts, controllerServiceAccount: reflector });
  const text = 'Not authorized to perform sts:AssumeRoleWithWebIdentity';
  double.failNext('AssumeRoleWithWebIdentity', 403, 'AccessDenied', text);
  await expect(logins.login(host, { signal })).rejects.toMatchObject({
    code: 'AWS_REFUSED',
    message: expect.stringMatching(/role\/reader.*image-reflector-controller.*AccessDenied: Not authorized to perform/),
    hint: expect.stringContaining('trust policy'),
  });
});

test('an expired session is replaced once', async () => {
  double = await startAwsDouble();
  const logins = loginsFor({ serviceAccounts, controllerServiceAccount: reflector });
  double.failNext(
    'GetAuthorizationToken',
    400,
    'ExpiredTokenException',
    'The security token included in the request is expired',
  );
  await logins.login(host, { signal });
  expect(double.calls).toHaveLength(4);
});

test('no source at all names every one and what it lacks; IMDS is not asked', async () => {
  double = await startAwsDouble();
  await expect(loginsFor().login(host, { signal })).rejects.toMatchObject({
    code: 'AWS_NO_CREDENTIALS',
    message: expect.stringMatching(/service account: .*Pod Identity: .*node role: IMDS is not allowed/),
  });
});

test('access keys are a person, whose ARN is asked for', async () => {
  double = await startAwsDouble();
  const staticKeys = { accessKeyId: 'AKIA1', secretAccessKey: 'x' };
  const { identity } = await loginsFor({ environment: { staticKeys, endpoints: {} } }).login(host, { signal });
  expect(identity).toEqual({ provider: 'static', arn: 'arn:aws:iam::111122223333:user/bob' });
});

test('an object without a usable annotation does not fall back to the controller', async () => {
  double = await startAwsDouble();
  const logins = loginsFor({ serviceAccounts: { ...serviceAccounts, roleArn: async () => 'reader' } });
  await expect(
    logins.login(host, { serviceAccount: { namespace: 'team', name: 'app' }, signal }),
  ).rejects.toMatchObject({
    code: 'AWS_IDENTITY_INVALID',
    message: expect.stringContaining("service account 'team/app' annotations: invalid eks.amazonaws.com/role-arn"),
  });
});

test('session names fit into 64 characters and stay apart', () => {
  const long = { namespace: 'a-rather-long-namespace-name', name: 'and-an-even-longer-service-account-name' };
  const name = sessionName(long, 'eu-central-1');
  expect(name).toHaveLength(64);
  expect(name).not.toBe(sessionName(long, 'eu-central-2'));
  expect(fitSessionName('a b')).toBe('a-b');
});

test('calls to STS and ECR go through the proxy of the environment, but not those that it excepts', async () => {
  double = await startAwsDouble();
  const proxy = await startHttpProxy('bob:s3cret');
  const variables = { HTTP_PROXY: `http://bob:s3cret@${proxy.address}`, AWS_ENDPOINT_URL: double.url };
  try {
    const login = (environment: ReturnType<typeof parseAwsEnvironment>) => {
      const identities = createAwsIdentities({ environment, serviceAccounts, controllerServiceAccount: reflector });
      return createEcrLogins({ identities, endpoints: environment.endpoints }).login(host, { signal });
    };
    expect((await login(parseAwsEnvironment(variables))).password).toBe('secret');
    expect(double.calls.map(({ action }) => action)).toEqual(['AssumeRoleWithWebIdentity', 'GetAuthorizationToken']);
    expect(proxy.targets).toEqual([new URL(double.url).host, new URL(double.url).host]);
    await login(parseAwsEnvironment({ ...variables, NO_PROXY: '127.0.0.1' }));
    expect(proxy.targets).toHaveLength(2);
  } finally {
    await proxy.close();
  }
});

test("an object's own proxy serves its calls alone, and its session and login are shared with no others", async () => {
  double = await startAwsDouble();
  const proxy = await startHttpProxy('bob:s3cret');
  try {
    const logins = loginsFor({ serviceAccounts, controllerServiceAccount: reflector });
    const viaProxy = { proxy: `http://bob:s3cret@${proxy.address}`, signal };
    await Promise.all([logins.login(host, viaProxy), logins.login(host, viaProxy)]);
    expect(proxy.targets).toHaveLength(2);
    await logins.login(host, { signal });
    expect(double.calls).toHaveLength(4);
    expect(proxy.targets).toHaveLength(2);
    logins.drop(host, viaProxy);
    await logins.login(host, { signal });
    expect(double.calls).toHaveLength(4);
  } finally {
    await proxy.close();
  }
});

test('a proxy that refuses, or is not there, is an unreachable AWS, and its password is not told', async () => {
  double = await startAwsDouble();
  const proxy = await startHttpProxy('bob:s3cret');
  const logins = loginsFor({ serviceAccounts, controllerServiceAccount: reflector });
  const refused = { proxy: `http://bob:wr0ng@${proxy.address}`, signal };
  const error = await logins.login(host, refused).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'AWS_UNREACHABLE', hint: expect.stringContaining('proxy') });
  expect(String(error)).not.toContain('wr0ng');
  await proxy.close();
  await expect(logins.login(host, refused)).rejects.toMatchObject({ code: 'AWS_UNREACHABLE' });
  expect(double.calls).toEqual([]);
});

test('each form of a registry host leads to its own endpoint of ECR', async () => {
  double = await startAwsDouble();
  const endpointOf = {
    '012345678901.dkr.ecr.us-east-1.amazonaws.com': 'api.ecr.us-east-1.amazonaws.com',
    '012345678901.dkr.ecr.cn-north-1.amazonaws.com.cn': 'api.ecr.cn-north-1.amazonaws.com.cn',
    '012345678901.dkr.ecr.us-gov-east-1.amazonaws.com': 'api.ecr.us-gov-east-1.amazonaws.com',
    '012345678901.dkr.ecr-fips.us-gov-west-1.amazonaws.com': 'api.ecr-fips.us-gov-west-1.amazonaws.com',
    '012345678901.dkr-ecr.us-west-2.on.aws': 'ecr.us-west-2.api.aws',
    '012345678901.dkr-ecr-fips.us-west-2.on.aws': 'ecr-fips.us-west-2.api.aws',
    '012345678901.dkr.ecr.eusc-de-east-1.amazonaws.eu': 'api.ecr.eusc-de-east-1.amazonaws.eu',
    '012345678901.dkr.ecr.us-iso-east-1.c2s.ic.gov': 'api.ecr.us-iso-east-1.c2s.ic.gov',
    'public.ecr.aws': 'api.ecr-public.us-east-1.amazonaws.com',
  };
  // The tunnels lead to a server without TLS: where they were asked to lead is what is looked at.
  const dead = new URL(double.url).host;
  const wanted = Object.values(endpointOf).map((name) => `${name}:443`);
  const proxy = await startHttpProxy('a:b', Object.fromEntries(wanted.map((target) => [target, dead])));
  const variables = { HTTPS_PROXY: `http://a:b@${proxy.address}`, AWS_ENDPOINT_URL_STS: double.url };
  const environment = parseAwsEnvironment(variables);
  const identities = createAwsIdentities({ environment, serviceAccounts, controllerServiceAccount: reflector });
  const logins = createEcrLogins({ identities, endpoints: environment.endpoints });
  const codes = await Promise.all(
    Object.keys(endpointOf).map((name) => logins.login(name, { signal }).catch((error) => error.code)),
  );
  expect(new Set(codes)).toEqual(new Set(['AWS_UNREACHABLE']));
  expect([...new Set(proxy.targets)].sort()).toEqual(wanted.sort());
  await proxy.close();
});
