import { describe, expect, test } from 'vitest';
import { decide, decideByResource, denialMessage, type PolicySet } from './decide.ts';
import { type PolicyStatement, type PolicyUse, parsePolicy } from './policy-document.ts';
import type { Caller } from './policy-principal.ts';
import { conditionContext } from './policy-variables.ts';
import type { AccessRequest } from './statement.ts';

const roleArn = 'arn:aws:iam::111122223333:role/flux';
const session: Caller = {
  kind: 'session',
  arn: 'arn:aws:sts::111122223333:assumed-role/flux/s',
  account: '111122223333',
  roleArn,
};
const repository = 'arn:aws:ecr:eu-west-1:111122223333:repository/apps/mainapp';
const request: AccessRequest = {
  caller: session,
  action: 'ecr:ListImages',
  resource: repository,
  context: conditionContext({ 'aws:PrincipalTag/team': 'apps', 'aws:RequestedRegion': 'eu-west-1' }),
};

function policy(use: PolicyUse, ...statements: Partial<PolicyStatement>[]) {
  const Statement = statements.map((s) => ({
    Effect: 'Allow' as const,
    ...(s.NotAction ? {} : { Action: '*' }),
    ...s,
  }));
  return parsePolicy({ Version: '2012-10-17', Statement }, use, 'p');
}
const identity = (...statements: Partial<PolicyStatement>[]) =>
  policy('identity', ...statements.map((s) => (s.NotResource ? s : { Resource: '*', ...s })));
const resource = (...statements: Partial<PolicyStatement>[]) => policy('resource', ...statements);

describe('one identity policy', () => {
  test.each<[string, Partial<PolicyStatement>[], boolean]>([
    ['nothing allows', [], false],
    ['the action is named', [{ Action: 'ecr:ListImages' }], true],
    ['the action is named in another case', [{ Action: 'ECR:listimages' }], true],
    ['another action', [{ Action: 'ecr:BatchGetImage' }], false],
    ['a wildcard in the action', [{ Action: ['sts:*', 'ecr:List*'] }], true],
    ['NotAction without it', [{ NotAction: 'ecr:Put*' }], true],
    ['NotAction with it', [{ NotAction: 'ecr:List*' }], false],
    ['the repository', [{ Resource: repository }], true],
    ['a prefix across slashes', [{ Resource: 'arn:aws:ecr:eu-west-1:111122223333:repository/*' }], true],
    ['another repository', [{ Resource: 'arn:aws:ecr:eu-west-1:111122223333:repository/apps' }], false],
    ['NotResource with another', [{ NotResource: 'arn:aws:ecr:*:*:repository/secret/*' }], true],
    ['NotResource with it', [{ NotResource: 'arn:aws:ecr:*:*:repository/apps/*' }], false],
    ['a variable', [{ Resource: 'arn:aws:ecr:*:*:repository/${aws:PrincipalTag/team}/*' }], true],
    ['a variable that the request lacks', [{ Resource: 'arn:aws:ecr:*:*:repository/${aws:PrincipalTag/x}*' }], false],
    ['a condition that holds', [{ Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } } }], true],
    ['a condition that does not', [{ Condition: { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } } }], false],
    ['one character for ?', [{ Action: 'ecr:List?mages' }], true],
    ['a star for nothing', [{ Action: 'ecr:ListImages*' }], true],
    ['the star of everything', [{ Action: '*', Resource: '*' }], true],
    ['another partition', [{ Resource: 'arn:aws-cn:ecr:eu-west-1:111122223333:repository/*' }], false],
    ['another service in the ARN', [{ Resource: 'arn:aws:s3:eu-west-1:111122223333:repository/*' }], false],
    ['no account in the ARN', [{ Resource: 'arn:aws:ecr:eu-west-1::repository/*' }], false],
    ['a star that ends early', [{ Resource: 'arn:aws:ecr:eu-west-1:*' }], true],
    ['the name in another case', [{ Resource: repository.replace('apps', 'Apps') }], false],
    [
      'two conditions, one of which fails',
      [{ Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' }, Bool: { 'aws:x': 'true' } } }],
      false,
    ],
    ['a Deny by NotAction', [{}, { Effect: 'Deny', NotAction: 'sts:*' }], false],
    ['a Deny by NotResource of it', [{}, { Effect: 'Deny', NotResource: repository }], true],
    [
      'a Deny of everything but a region',
      [{}, { Effect: 'Deny', Condition: { StringNotEquals: { 'aws:RequestedRegion': 'eu-west-1' } } }],
      true,
    ],
    ['a Deny besides', [{}, { Effect: 'Deny', Action: 'ecr:List*' }], false],
    ['a Deny of something else', [{}, { Effect: 'Deny', Action: 'ecr:Put*' }], true],
    ['a Deny whose condition fails', [{}, { Effect: 'Deny', Condition: { Bool: { 'aws:x': 'true' } } }], true],
  ])('%s', (_, statements, allowed) => {
    const identityPolicies = statements.length === 0 ? [] : [identity(...statements)];
    expect(decide(request, { identity: identityPolicies }).allowed).toBe(allowed);
  });
});

describe('a call without a resource', () => {
  const login = { ...request, action: 'ecr:GetAuthorizationToken', resource: '*' };
  test.each([
    ['*', true],
    [repository, false],
    ['arn:aws:ecr:eu-west-1:111122223333:repository/*', false],
  ])('granted on %s: %s', (granted, allowed) => {
    expect(decide(login, { identity: [identity({ Resource: granted })] }).allowed).toBe(allowed);
  });
});

const yes = identity({});
const none = identity({ Action: 'sqs:*' });
const toSession = resource({ Principal: { AWS: session.arn } });
const toRole = resource({ Principal: { AWS: roleArn } });
const toAccount = resource({ Principal: { AWS: '111122223333' } });
const toRoot = resource({ Principal: { AWS: 'arn:aws:iam::111122223333:root' } });
const toAll = resource({ Principal: '*' });
const toOther = resource({ Principal: { AWS: 'arn:aws:iam::999999999999:role/x' } });
const denyRole = resource({ Effect: 'Deny', Principal: { AWS: roleArn } });
const allBut = resource({ Effect: 'Deny', NotPrincipal: { AWS: roleArn } });

// IAM user guide, "Policy evaluation logic", within one account and across two.
describe('several policies', () => {
  test.each<[string, PolicySet, string | undefined]>([
    ['identity alone', { identity: [yes] }, undefined],
    ['resource to the session alone', { identity: [], resource: toSession }, undefined],
    ['resource to the role alone', { identity: [], resource: toRole }, undefined],
    ['resource to everybody alone', { identity: [], resource: toAll }, undefined],
    ['resource to the account alone', { identity: [], resource: toAccount }, 'identity-based policy'],
    ['resource to the root alone', { identity: [], resource: toRoot }, 'identity-based policy'],
    ['resource to the account and identity', { identity: [yes], resource: toAccount }, undefined],
    ['resource to another, identity allows', { identity: [yes], resource: toOther }, undefined],
    ['resource denies the role', { identity: [yes], resource: denyRole }, 'resource-based policy'],
    ['resource denies all but the role', { identity: [yes], resource: allBut }, undefined],
    ['boundary allows', { identity: [yes], boundary: yes }, undefined],
    ['boundary does not', { identity: [yes], boundary: none }, 'permissions boundary'],
    ['boundary limits a grant to the role', { identity: [], resource: toRole, boundary: none }, 'permissions boundary'],
    ['boundary spares a grant to the session', { identity: [], resource: toSession, boundary: none }, undefined],
    ['boundary alone allows nothing', { identity: [], boundary: yes }, 'identity-based policy'],
    ['session policy does not', { identity: [yes], session: none }, 'session policy'],
    ['session policy denies', { identity: [yes], session: identity({ Effect: 'Deny' }) }, 'session policy'],
    ['foreign account: identity alone', { identity: [yes], sameAccount: false }, 'resource-based policy'],
    [
      'foreign account: resource alone',
      { identity: [], resource: toRole, sameAccount: false },
      'identity-based policy',
    ],
    ['foreign account: both', { identity: [yes], resource: toRole, sameAccount: false }, undefined],
    ['foreign account: both, by account', { identity: [yes], resource: toAccount, sameAccount: false }, undefined],
  ])('%s', (_, policies, refusedBy) => {
    const decision = decide(request, policies);
    expect(decision.refusedBy).toBe(refusedBy);
    expect(decision.allowed).toBe(refusedBy === undefined);
  });
});

// IAM user guide, "Troubleshoot access denied error messages".
test.each<[PolicySet, string]>([
  [{ identity: [] }, 'because no identity-based policy allows the ecr:ListImages action'],
  [{ identity: [yes], sameAccount: false }, 'because no resource-based policy allows the ecr:ListImages action'],
  [{ identity: [yes], boundary: none }, 'because no permissions boundary allows the ecr:ListImages action'],
  [{ identity: [yes], session: none }, 'because no session policy allows the ecr:ListImages action'],
  [{ identity: [identity({ Effect: 'Deny' })] }, 'with an explicit deny in an identity-based policy'],
  [{ identity: [yes], resource: denyRole }, 'with an explicit deny in a resource-based policy'],
])('the message of a denial ends %#', (policies, ending) => {
  expect(denialMessage(request, decide(request, policies))).toBe(
    `User: ${session.arn} is not authorized to perform: ecr:ListImages on resource: ${repository} ${ending}`,
  );
});

test('the reasons say in which element each statement differs', () => {
  const { reasons } = decide(request, {
    identity: [identity({ Sid: 'Push', Action: 'ecr:PutImage' }, { Resource: 'arn:aws:ecr:*:*:repository/x' })],
    resource: toOther,
  });
  expect(reasons.map(({ statement, mismatch }) => [statement, mismatch?.element])).toEqual([
    ['Push', 'Action'],
    ['[1]', 'Resource'],
    ['[0]', 'Principal'],
  ]);
});

test('a service is judged by the resource policy alone', () => {
  const queue = 'arn:aws:sqs:eu-west-1:111122223333:q';
  const send = (source: string) => ({
    caller: { kind: 'service', name: 'events.amazonaws.com' } as const,
    action: 'sqs:SendMessage',
    resource: queue,
    context: conditionContext({ 'aws:SourceArn': source }),
  });
  const lets = resource({
    Principal: { Service: 'events.amazonaws.com' },
    Resource: queue,
    Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:eu-west-1:111122223333:rule/ecr' } },
  });
  expect(decideByResource(send('arn:aws:events:eu-west-1:111122223333:rule/ecr'), lets).allowed).toBe(true);
  expect(decideByResource(send('arn:aws:events:eu-west-1:111122223333:rule/other'), lets).allowed).toBe(false);
  expect(decideByResource(send('x'), undefined).allowed).toBe(false);
});
