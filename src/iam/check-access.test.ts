import { describe, expect, test } from 'vitest';
import { checkEcrAccess } from './check-access.ts';
import { checkTrust } from './check-trust.ts';
import { parsePolicy } from './policy-document.ts';
import { irsaTrustPolicy } from './trust-policy.ts';

const account = '111122223333';
const roleArn = `arn:aws:iam::${account}:role/prod-image-reflector`;
const repository = `arn:aws:ecr:eu-west-1:${account}:repository/apps/mainapp`;

function reasonsFor(Resource: string, tokenResource = '*'): string | undefined {
  const policy = parsePolicy(
    {
      Version: '2012-10-17',
      Statement: [
        { Sid: 'Token', Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: tokenResource },
        { Sid: 'Read', Effect: 'Allow', Action: 'ecr:ListImages', Resource },
      ],
    },
    'identity',
  );
  const checks = checkEcrAccess({ policies: [policy], roleArn, profile: 'scan', repositories: [repository] });
  const denied = checks.filter(({ allowed }) => !allowed);
  return denied.length === 0 ? undefined : denied.flatMap(({ reasons }) => reasons).join('\n');
}

describe('repository patterns', () => {
  const arn = (name: string) => `arn:aws:ecr:eu-west-1:${account}:repository/${name}`;
  test.each([
    ['a prefix: * matches slashes', arn('apps/*')],
    ['a star in the middle', arn('*/mainapp')],
    ['the name', repository],
    ['everything', '*'],
  ])('%s', (_, pattern) => expect(reasonsFor(pattern)).toBeUndefined());

  test.each([
    ['the folder without a star', arn('apps'), "is the repository 'apps' alone; write repository/apps/*"],
    ['another prefix', arn('zenler/*'), "does not match the repository 'apps/mainapp'"],
    ['literal angle brackets', arn('<apps>/*'), 'placeholder'],
    ['another region', repository.replace('eu-west-1', 'us-east-1'), "its region is 'us-east-1'"],
    ['another account', repository.replace(account, '999999999999'), "its account is '999999999999'"],
    ['another partition', repository.replace('arn:aws:', 'arn:aws-cn:'), "its partition is 'aws-cn'"],
    ['no repository/', `arn:aws:ecr:eu-west-1:${account}:apps/mainapp`, 'has to begin with repository/'],
  ])('%s is explained', (_, pattern, reason) => expect(reasonsFor(pattern)).toContain(reason));

  test('the login has no resource', () => {
    expect(reasonsFor(repository, repository)).toContain('allow it on "*"');
  });
});

test('an explicit deny is named', () => {
  const policy = parsePolicy(
    {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: '*', Resource: '*' },
        { Sid: 'Freeze', Effect: 'Deny', Action: 'ecr:List*', Resource: '*' },
      ],
    },
    'identity',
    'guard',
  );
  const [, list] = checkEcrAccess({ policies: [policy], roleArn, profile: 'scan', repositories: [repository] });
  expect(list?.reasons).toEqual(['statement Freeze of guard denies it explicitly']);
});

describe('trust', () => {
  const issuer = 'https://oidc.eks.eu-west-1.amazonaws.com/id/A';
  const providerArn = `arn:aws:iam::${account}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A`;
  const serviceAccount = { namespace: 'flux-system', name: 'image-reflector-controller' };
  const question = { partition: 'aws', account, issuer, serviceAccount };
  const key = 'oidc.eks.eu-west-1.amazonaws.com/id/A:sub';

  test('the policy that we make is right', () => {
    const trust = irsaTrustPolicy([{ providerArn, issuer, serviceAccounts: [serviceAccount] }]);
    expect(checkTrust({ trust, ...question })).toMatchObject({ allowed: true, reasons: [] });
  });

  test.each([
    ['a star under StringEquals', { StringEquals: { [key]: 'system:serviceaccount:flux-system:*' } }, 'StringLike'],
    [
      'another namespace',
      { StringEquals: { [key]: 'system:serviceaccount:flux:image-reflector-controller' } },
      'system:serviceaccount:flux:',
    ],
    ['no subject', { StringEquals: { 'oidc.eks.eu-west-1.amazonaws.com/id/A:aud': 'sts.amazonaws.com' } }, 'every pod'],
  ])('%s', (_, Condition, reason) => {
    const trust = {
      Version: '2012-10-17' as const,
      Statement: [
        {
          Effect: 'Allow' as const,
          Principal: { Federated: providerArn },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition,
        },
      ],
    };
    expect(checkTrust({ trust, ...question }).reasons.join('\n')).toContain(reason);
  });

  test('another cluster', () => {
    const trust = irsaTrustPolicy([
      {
        providerArn: providerArn.replace('/A', '/B'),
        issuer: issuer.replace('/A', '/B'),
        serviceAccounts: [serviceAccount],
      },
    ]);
    expect(checkTrust({ trust, ...question })).toMatchObject({ allowed: false });
  });
});
