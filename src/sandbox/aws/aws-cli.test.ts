import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInstalled, runProgram } from '../../../test/support/programs.ts';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';
import { ecrPolicy } from '../../iam/ecr-policy.ts';
import { irsaTrustPolicy } from '../../iam/trust-policy.ts';

// The aws CLI is a client that shares no code with us: it is skipped where it is not installed.
describe.skipIf(!isInstalled('aws'))('the aws CLI', { timeout: 120_000 }, () => {
  let cloud: TestCloud;
  const roleArn = 'arn:aws:iam::000000000000:role/flux-ecr';

  async function aws(args: string[], env: Record<string, string> = {}) {
    const { accessKeyId, secretAccessKey } = cloud.aws.administrator;
    const result = await runProgram('aws', ['--endpoint-url', cloud.aws.url, '--output', 'json', ...args], {
      env: {
        HOME: cloud.dir,
        AWS_REGION: 'eu-west-1',
        AWS_DEFAULT_REGION: 'eu-west-1',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_MAX_ATTEMPTS: '1',
        ...env,
      },
    });
    return { ...result, json: () => JSON.parse(result.stdout) };
  }

  beforeAll(async () => {
    cloud = await startTestCloud();
    const made = await aws([
      ...['iam', 'create-open-id-connect-provider', '--url', cloud.issuer.url],
      ...['--client-id-list', 'sts.amazonaws.com'],
    ]);
    const trust = irsaTrustPolicy([
      {
        providerArn: made.json().OpenIDConnectProviderArn,
        issuer: cloud.issuer.url,
        serviceAccounts: [{ namespace: 'flux-system', name: 'image-reflector-controller' }],
      },
    ]);
    await aws([
      'iam',
      'create-role',
      '--role-name',
      'flux-ecr',
      '--assume-role-policy-document',
      JSON.stringify(trust),
    ]);
    const registry = { partition: 'aws', region: 'eu-west-1', account: '000000000000', repositories: ['apps/*'] };
    const policy = ecrPolicy('scan+meta', [registry]);
    const secret = 'arn:aws:ecr:eu-west-1:000000000000:repository/apps/secret';
    const denial = { Effect: 'Deny' as const, Action: 'ecr:*', Resource: secret };
    const document = JSON.stringify({ ...policy, Statement: [...policy.Statement, denial] });
    await aws([
      'iam',
      'put-role-policy',
      '--role-name',
      'flux-ecr',
      '--policy-name',
      'ecr',
      '--policy-document',
      document,
    ]);
    role = await session();
    // Of a time when the services' clock was behind, and so at its end.
    cloud.advance(-2 * 3_600_000);
    const then = Math.floor(Date.now() / 1000) - 2 * 3600;
    ended = await session({ iat: then, nbf: then });
    cloud.advance(2 * 3_600_000);
  }, 120_000);
  afterAll(() => cloud.close());

  /** Credentials of the role; each run of the CLI takes half a second, so they are asked for once. */
  let role: Record<string, string>;
  let ended: Record<string, string>;
  async function session(claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
    const token = await cloud.issuer.token(claims);
    const answer = await aws(
      [
        ...['sts', 'assume-role-with-web-identity', '--role-arn', roleArn],
        ...['--role-session-name', 'cli', '--web-identity-token', token],
      ],
      { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    );
    const { AccessKeyId, SecretAccessKey, SessionToken } = answer.json().Credentials;
    return { AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey, AWS_SESSION_TOKEN: SessionToken };
  }

  test('sts get-caller-identity, ecr create-repository, describe-images and the login', async () => {
    const env = role;
    await aws(['ecr', 'create-repository', '--repository-name', 'apps/a']);
    expect((await aws(['sts', 'get-caller-identity'], env)).json().Arn).toMatch(/:assumed-role\/flux-ecr\/cli$/);
    const images = await aws(['ecr', 'describe-images', '--repository-name', 'apps/a'], env);
    expect(images.json()).toEqual({ imageDetails: [] });
    const token = await aws(['ecr', 'get-authorization-token'], env);
    expect(token.json().authorizationData[0].proxyEndpoint).toBe(`https://${cloud.host}`);
  });

  test('its own chain with AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE', async () => {
    const { writeFileSync } = await import('node:fs');
    const file = `${cloud.dir}/token`;
    writeFileSync(file, await cloud.issuer.token());
    const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ENDPOINT_URL_STS: cloud.aws.url };
    const who = await aws(['sts', 'get-caller-identity'], { ...env, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' });
    expect(who.json().Arn).toMatch(/^arn:aws:sts::000000000000:assumed-role\/flux-ecr\//);
  });

  test('iam get-role shows the trust policy as JSON', async () => {
    const { Role } = (await aws(['iam', 'get-role', '--role-name', 'flux-ecr'])).json();
    expect(Role.AssumeRolePolicyDocument.Statement[0].Action).toBe('sts:AssumeRoleWithWebIdentity');
  });

  test('iam simulate-principal-policy', async () => {
    const answer = await aws([
      ...['iam', 'simulate-principal-policy', '--policy-source-arn', roleArn],
      ...['--action-names', 'ecr:ListImages', '--resource-arns'],
      ...['arn:aws:ecr:eu-west-1:000000000000:repository/apps/a', 'arn:aws:ecr:eu-west-1:000000000000:repository/x'],
    ]);
    const decisions = answer.json().EvaluationResults.map((r: { EvalDecision: string }) => r.EvalDecision);
    expect(decisions).toEqual(['allowed', 'implicitDeny']);
  });

  test('events put-rule and put-targets, sqs receive-message', async () => {
    const { QueueUrl } = (await aws(['sqs', 'create-queue', '--queue-name', 'q'])).json();
    const pattern = JSON.stringify({ source: ['aws.ecr'] });
    const { RuleArn } = (await aws(['events', 'put-rule', '--name', 'r', '--event-pattern', pattern])).json();
    const target = 'Id=q,Arn=arn:aws:sqs:eu-west-1:000000000000:q';
    expect((await aws(['events', 'put-targets', '--rule', 'r', '--targets', target])).json().FailedEntryCount).toBe(0);
    expect(RuleArn).toBe('arn:aws:events:eu-west-1:000000000000:rule/r');
    await aws(['sqs', 'send-message', '--queue-url', QueueUrl, '--message-body', 'hi']);
    expect((await aws(['sqs', 'receive-message', '--queue-url', QueueUrl])).json().Messages[0].Body).toBe('hi');
  });

  test.each<[string, string[], Record<string, string>, string]>([
    [
      'a wrong secret',
      ['ecr', 'describe-repositories'],
      { AWS_SECRET_ACCESS_KEY: 'wrong' },
      '(InvalidSignatureException) when calling the DescribeRepositories operation: The request signature we calculated does not match',
    ],
    [
      'an unknown key',
      ['ecr', 'get-authorization-token'],
      { AWS_ACCESS_KEY_ID: 'AKIAUNKNOWNUNKNOWN00' },
      '(UnrecognizedClientException) when calling the GetAuthorizationToken operation: The security token included in the request is invalid.',
    ],
    [
      'an unknown role',
      ['iam', 'get-role', '--role-name', 'x'],
      {},
      '(NoSuchEntity) when calling the GetRole operation: The role with name x cannot be found.',
    ],
    [
      'an unknown repository',
      ['ecr', 'list-images', '--repository-name', 'apps/x'],
      {},
      "(RepositoryNotFoundException) when calling the ListImages operation: The repository with name 'apps/x' does not exist in the registry with id '000000000000'",
    ],
  ])('is told of %s', async (_, args, env, message) => {
    const { code, stderr } = await aws(args, env);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });

  /** The refusals that a chain of IRSA can meet, in AWS's codes and words (spec/provisioning.md §9, §10). */
  describe('is refused', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const seconds = () => Math.floor(Date.now() / 1000);
    const invalid = 'InvalidIdentityToken';
    const untrusted = 'Not authorized to perform sts:AssumeRoleWithWebIdentity';

    test.each<[string, () => Promise<string>, string, string | RegExp, string?]>([
      [
        'a signature of another key',
        () => cloud.issuer.token({}, { key: other }),
        invalid,
        'The web identity token provided could not be validated',
      ],
      [
        'an expired token',
        () => cloud.issuer.token({ exp: seconds() - 60 }),
        'ExpiredTokenException',
        /^Token expired: current date\/time \d+ must be before the expiration date\/time\d+$/,
      ],
      [
        'a token that is not valid yet',
        () => cloud.issuer.token({ nbf: seconds() + 3600 }),
        invalid,
        'The web identity token provided is not valid yet',
      ],
      [
        'an issuer without a provider',
        () => cloud.issuer.token({ iss: 'https://oidc.eks.eu-west-1.amazonaws.com/id/B' }),
        invalid,
        'No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/B',
      ],
      [
        'an audience that the provider does not have',
        () => cloud.issuer.token({ aud: ['kubernetes'] }),
        invalid,
        'Incorrect token audience',
      ],
      [
        'another subject',
        () => cloud.issuer.token({ sub: 'system:serviceaccount:apps:default' }),
        'AccessDenied',
        untrusted,
      ],
      [
        'a role that does not exist',
        () => cloud.issuer.token(),
        'AccessDenied',
        untrusted,
        'arn:aws:iam::000000000000:role/none',
      ],
    ])('by STS: %s', async (_, token, code, message, arn = roleArn) => {
      const args = ['sts', 'assume-role-with-web-identity', '--role-arn', arn, '--role-session-name', 'cli'];
      const unsigned = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
      const { stderr } = await aws([...args, '--web-identity-token', await token()], unsigned);
      expect(refusal(stderr)).toEqual([code, 'AssumeRoleWithWebIdentity', expect.stringMatching(message)]);
    });

    const repository = (name: string) => `arn:aws:ecr:eu-west-1:000000000000:repository/${name}`;
    const user = 'User: arn:aws:sts::000000000000:assumed-role/flux-ecr/cli is not authorized to perform:';
    test.each<[string, string[], string]>([
      [
        'a missing action',
        ['create-repository', '--repository-name', 'apps/b'],
        `${user} ecr:CreateRepository on resource: ${repository('apps/b')} because no identity-based policy allows the ecr:CreateRepository action`,
      ],
      [
        'another resource',
        ['list-images', '--repository-name', 'tools/a'],
        `${user} ecr:ListImages on resource: ${repository('tools/a')} because no identity-based policy allows the ecr:ListImages action`,
      ],
      [
        'an explicit deny',
        ['list-images', '--repository-name', 'apps/secret'],
        `${user} ecr:ListImages on resource: ${repository('apps/secret')} with an explicit deny in an identity-based policy`,
      ],
    ])('by ECR: %s', async (_, args, message) => {
      const { stderr } = await aws(['ecr', ...args], role);
      expect(refusal(stderr)).toEqual(['AccessDeniedException', expect.any(String), message]);
    });

    test.each([
      ['ecr', 'get-authorization-token', 'ThrottlingException'],
      ['sts', 'get-caller-identity', 'Throttling'],
    ])('by %s: too many calls', async (service, command, code) => {
      const operation = command.replace(/(^|-)(.)/g, (_, _dash, letter: string) => letter.toUpperCase());
      cloud.aws.setRateLimit(`${service}:${operation}`, 0);
      try {
        expect(refusal((await aws([service, command])).stderr)).toEqual([code, operation, 'Rate exceeded']);
      } finally {
        cloud.aws.setRateLimit(`${service}:${operation}`, undefined);
      }
    });

    test.each([
      ['sts', 'get-caller-identity', 'ExpiredToken'],
      ['ecr', 'get-authorization-token', 'ExpiredTokenException'],
    ])('by %s: a session that has ended', async (service, command, code) => {
      const { stderr } = await aws([service, command], ended);
      expect(refusal(stderr)).toEqual([
        code,
        expect.any(String),
        'The security token included in the request is expired',
      ]);
    });
  });

  test('an action is named as SQS names it', async () => {
    const queue = await aws(['sqs', 'get-queue-url', '--queue-name', 'q'], role);
    expect(queue.stderr).toContain('is not authorized to perform: sqs:getqueueurl on resource: ');
  });
});

/** Code, operation and message of the CLI's one line. */
function refusal(stderr: string): string[] {
  return (
    /An error occurred \((\w+)\) when calling the (\w+) operation(?: \(.*?\))?: (.*)/.exec(stderr)?.slice(1) ?? [stderr]
  );
}
