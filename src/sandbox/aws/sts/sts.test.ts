import { generateKeyPairSync } from 'node:crypto';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
  UpdateRoleCommand,
} from '@aws-sdk/client-iam';
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  type Credentials,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testSubject } from '../../../../test/support/oidc-issuer.ts';
import { startTestCloud, type TestCloud } from '../../../../test/support/sandbox-cloud.ts';
import { irsaTrustPolicy } from '../../../iam/trust-policy.ts';

let cloud: TestCloud;
let iam: IAMClient;
const account = '000000000000';
const roleArn = `arn:aws:iam::${account}:role/flux-ecr`;

beforeEach(async () => {
  cloud = await startTestCloud();
  iam = new IAMClient(clientConfig());
  const { OpenIDConnectProviderArn: providerArn = '' } = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: cloud.issuer.url, ClientIDList: ['sts.amazonaws.com', 'other'] }),
  );
  const [, , namespace = '', name = ''] = testSubject.split(':');
  const trust = irsaTrustPolicy([{ providerArn, issuer: cloud.issuer.url, serviceAccounts: [{ namespace, name }] }]);
  await createRole('flux-ecr', trust);
});
afterEach(() => cloud.close());

function clientConfig(c?: Credentials) {
  const session = {
    accessKeyId: c?.AccessKeyId ?? '',
    secretAccessKey: c?.SecretAccessKey ?? '',
    sessionToken: c?.SessionToken ?? '',
  };
  const credentials = c === undefined ? cloud.aws.administrator : session;
  return { endpoint: cloud.aws.url, region: 'eu-west-1', credentials, maxAttempts: 1 };
}

async function createRole(name: string, trust: object) {
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
}

function exchange(token: string, changes: Record<string, unknown> = {}) {
  const sts = new STSClient({ ...clientConfig(), credentials: { accessKeyId: '', secretAccessKey: '' } });
  const input = { RoleArn: roleArn, RoleSessionName: 'session', WebIdentityToken: token, ...changes };
  return sts.send(new AssumeRoleWithWebIdentityCommand(input));
}

test('answers with what the caller has become', async () => {
  const answer = await exchange(await cloud.issuer.token());
  expect(answer).toMatchObject({
    SubjectFromWebIdentityToken: testSubject,
    Audience: 'sts.amazonaws.com',
    Provider: expect.stringContaining(':oidc-provider/127.0.0.1:'),
    AssumedRoleUser: { Arn: `arn:aws:sts::${account}:assumed-role/flux-ecr/session` },
  });
  const lifetime = (answer.Credentials?.Expiration?.getTime() ?? 0) - Date.now();
  expect(Math.round(lifetime / 60_000)).toBe(60);
});

// spec/provisioning.md §9, with the codes and messages of AWS.
describe('refuses', () => {
  const seconds = () => Math.floor(Date.now() / 1000);
  const invalid = 'InvalidIdentityToken';
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

  test.each<[string, () => Promise<string>, string, string | RegExp]>([
    ['what is no JWT', async () => 'garbage', invalid, /^The ID Token provided is not a valid JWT/],
    ['a token with text behind it', async () => `${await cloud.issuer.token()}\nlevel=info`, invalid, /./],
    [
      'a signature by another key',
      () => cloud.issuer.token({}, { key: other }),
      invalid,
      'The web identity token provided could not be validated',
    ],
    ['an unknown key', () => cloud.issuer.token({}, { keyId: 'x' }), invalid, /^Couldn't retrieve verification key/],
    [
      'an expired token',
      () => cloud.issuer.token({ exp: seconds() - 1 }),
      'ExpiredTokenException',
      /^Token expired: current date\/time \d+ must be before the expiration date\/time\d+$/,
    ],
    ['a token of tomorrow', () => cloud.issuer.token({ nbf: seconds() + 86_400 }), invalid, /not valid yet/],
    ['no audience', () => cloud.issuer.token({ aud: undefined }), invalid, 'Missing a required claim: aud'],
    ['no expiry', () => cloud.issuer.token({ exp: undefined }), invalid, 'Missing a required claim: exp'],
    ['a foreign audience', () => cloud.issuer.token({ aud: ['kubernetes'] }), invalid, 'Incorrect token audience'],
    [
      'an unknown issuer',
      () => cloud.issuer.token({ iss: 'https://oidc.example.com/id/X' }),
      invalid,
      'No OpenIDConnect provider found in your account for https://oidc.example.com/id/X',
    ],
    [
      'a subject that is not trusted',
      () => cloud.issuer.token({ sub: 'system:serviceaccount:apps:other' }),
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    ],
    [
      'an audience that the provider knows and the role does not trust',
      () => cloud.issuer.token({ aud: ['other'] }),
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    ],
  ])('%s', async (_, token, code, message) => {
    const error = await exchange(await token()).catch((reason: Error) => reason);
    expect(error).toMatchObject({ Code: code, message: expect.stringMatching(message) });
  });

  const denied = { RoleArn: `arn:aws:iam::${account}:role/no-such-role` };
  test.each<[string, Record<string, unknown>, string, string | RegExp]>([
    ['an unknown role', denied, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity'],
    [
      'a role of another account',
      { RoleArn: 'arn:aws:iam::999999999999:role/flux-ecr' },
      invalid,
      /^No OpenIDConnect provider found/,
    ],
    ['a bad role ARN', { RoleArn: 'arn:aws:iam::000:role/x-y-z-0' }, 'ValidationError', 'Request ARN is invalid'],
    ['a short role ARN', { RoleArn: 'flux-ecr' }, 'ValidationError', /at 'roleArn' failed to satisfy constraint/],
    [
      'a session name that is too long',
      { RoleSessionName: 'x'.repeat(65) },
      'ValidationError',
      `1 validation error detected: Value '${'x'.repeat(65)}' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    ],
    ['a session name with a slash', { RoleSessionName: 'a/b' }, 'ValidationError', /regular expression pattern/],
    [
      'more time than the role allows',
      { DurationSeconds: 7200 },
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    ],
    ['too little time', { DurationSeconds: 60 }, 'ValidationError', /greater than or equal to 900/],
    ['a malformed session policy', { Policy: '{' }, 'MalformedPolicyDocument', 'This policy contains invalid Json'],
  ])('%s', async (_, changes, code, message) => {
    const error = await exchange(await cloud.issuer.token(), changes).catch((reason: Error) => reason);
    expect(error).toMatchObject({ Code: code, message: expect.stringMatching(asPattern(message)) });
  });

  test('an issuer that does not answer', async () => {
    cloud.issuer.setDown(true);
    await expect(exchange(await cloud.issuer.token())).rejects.toMatchObject({
      Code: invalid,
      message:
        "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    });
    cloud.issuer.setDown(false);
    await exchange(await cloud.issuer.token());
  });
});

function asPattern(message: string | RegExp): RegExp {
  return typeof message === 'string' ? new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`) : message;
}

describe('temporary credentials', () => {
  const who = (credentials: Credentials | undefined) =>
    new STSClient(clientConfig(credentials)).send(new GetCallerIdentityCommand({}));

  test('outlive a restart', async () => {
    const { Credentials } = await exchange(await cloud.issuer.token());
    await cloud.restart();
    expect((await who(Credentials)).Arn).toContain('assumed-role/flux-ecr/session');
  });

  test('expire', async () => {
    const { Credentials } = await exchange(await cloud.issuer.token());
    cloud.advance(3_601_000);
    const config = { ...clientConfig(Credentials), systemClockOffset: 3_601_000 };
    await expect(new STSClient(config).send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
      Code: 'ExpiredToken',
      message: 'The security token included in the request is expired',
    });
    await expect(new ECRClient(config).send(new GetAuthorizationTokenCommand({}))).rejects.toMatchObject({
      name: 'ExpiredTokenException',
    });
  });

  test('last as long as asked for', async () => {
    await iam.send(new UpdateRoleCommand({ RoleName: 'flux-ecr', MaxSessionDuration: 43_200 }));
    const { Credentials } = await exchange(await cloud.issuer.token(), { DurationSeconds: 43_200 });
    expect(Math.round(((Credentials?.Expiration?.getTime() ?? 0) - Date.now()) / 3_600_000)).toBe(12);
  });

  test('die with their role, also when one of that name is made again', async () => {
    const { Credentials } = await exchange(await cloud.issuer.token());
    await iam.send(new DeleteRoleCommand({ RoleName: 'flux-ecr' }));
    await expect(who(Credentials)).rejects.toMatchObject({ Code: 'InvalidClientTokenId' });
    await createRole('flux-ecr', trustIn({ AWS: account }));
    await expect(who(Credentials)).rejects.toMatchObject({ Code: 'InvalidClientTokenId' });
  });

  test('can do no more than their session policy', async () => {
    const login = { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' };
    const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const policy = { RoleName: 'flux-ecr', PolicyName: 'login', PolicyDocument: document(login) };
    await iam.send(new PutRolePolicyCommand(policy));
    const limited = await exchange(await cloud.issuer.token(), { Policy: document({ ...login, Action: 'sqs:*' }) });
    const ecr = new ECRClient(clientConfig(limited.Credentials));
    await expect(ecr.send(new GetAuthorizationTokenCommand({}))).rejects.toMatchObject({
      message: expect.stringContaining('because no session policy allows the ecr:GetAuthorizationToken action'),
    });
  });
});

function trustIn(principal: object, condition?: object) {
  const statement = {
    Effect: 'Allow',
    Principal: principal,
    Action: 'sts:AssumeRole',
    ...(condition && { Condition: condition }),
  };
  return { Version: '2012-10-17', Statement: [statement] };
}

describe('AssumeRole', () => {
  const administrator = `arn:aws:iam::${account}:user/administrator`;
  test.each([
    ['names the caller', trustIn({ AWS: administrator }), {}, true],
    ['names the account, and the caller may', trustIn({ AWS: account }), {}, true],
    ['names somebody else', trustIn({ AWS: `arn:aws:iam::${account}:user/other` }), {}, false],
    ['names a service', trustIn({ Service: 'ec2.amazonaws.com' }), {}, false],
    [
      'wants an external id',
      trustIn({ AWS: account }, { StringEquals: { 'sts:ExternalId': 'x' } }),
      { ExternalId: 'x' },
      true,
    ],
    [
      'gets another external id',
      trustIn({ AWS: account }, { StringEquals: { 'sts:ExternalId': 'x' } }),
      { ExternalId: 'y' },
      false,
    ],
  ])('of a role whose trust %s', async (_, trust, more, allowed) => {
    await createRole('target', trust);
    const input = { RoleArn: `arn:aws:iam::${account}:role/target`, RoleSessionName: 'me', ...more };
    const call = new STSClient(clientConfig()).send(new AssumeRoleCommand(input));
    if (allowed)
      await expect(call).resolves.toMatchObject({ AssumedRoleUser: { Arn: expect.stringMatching(/target\/me$/) } });
    else
      await expect(call).rejects.toMatchObject({
        Code: 'AccessDenied',
        message: `User: ${administrator} is not authorized to perform: sts:AssumeRole on resource: ${input.RoleArn}`,
      });
  });

  test('by a role whose account is trusted but whose policies do not allow it', async () => {
    await createRole('target', trustIn({ AWS: account }));
    const { Credentials } = await exchange(await cloud.issuer.token());
    const sts = new STSClient(clientConfig(Credentials));
    const input = { RoleArn: `arn:aws:iam::${account}:role/target`, RoleSessionName: 'me' };
    await expect(sts.send(new AssumeRoleCommand(input))).rejects.toMatchObject({ Code: 'AccessDenied' });
  });
});
