import { expect, test } from 'vitest';
import { type PolicyUse, parsePolicy } from './policy-document.ts';

const allow = { Effect: 'Allow', Action: 'ecr:*', Resource: '*' };
const document = (...statements: unknown[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });

test.each<[string, PolicyUse]>([
  [document(allow), 'identity'],
  [JSON.stringify({ Statement: allow }), 'identity'],
  [document({ Effect: 'Deny', NotAction: ['ecr:Get*'], NotResource: 'arn:aws:ecr:*:*:repository/a' }), 'identity'],
  [document({ Effect: 'Allow', Principal: '*', Action: 'ecr:ListImages' }), 'resource'],
  [document({ Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'sts:AssumeRole' }), 'trust'],
  [document({ Effect: 'Deny', NotPrincipal: { AWS: 'arn:aws:iam::111122223333:root' }, Action: 'ecr:*' }), 'resource'],
])('%s is taken as %s policy', (text, use) => {
  expect(parsePolicy(text, use).statements).toHaveLength(1);
});

test.each<[string, PolicyUse, string]>([
  ['{', 'identity', 'This policy contains invalid Json'],
  ['[]', 'identity', 'Syntax errors in policy.'],
  [JSON.stringify({ Version: '2020-01-01', Statement: [allow] }), 'identity', 'Syntax errors in policy.'],
  [JSON.stringify({ Version: '2012-10-17' }), 'identity', 'Syntax errors in policy.'],
  [document(), 'identity', 'Syntax errors in policy.'],
  [document({ ...allow, Actions: 'x' }), 'identity', 'Syntax errors in policy.'],
  [document({ ...allow, Effect: 'allow' }), 'identity', 'Syntax errors in policy.'],
  [document({ Effect: 'Allow', Resource: '*' }), 'identity', 'Policy statement must contain actions.'],
  [document({ Effect: 'Allow', Action: 'ecr:*' }), 'identity', 'Policy statement must contain resources.'],
  [document({ ...allow, Action: 'ListImages' }), 'identity', 'must be prefaced by a vendor'],
  [document({ ...allow, NotAction: 'ecr:*' }), 'identity', 'Syntax errors in policy.'],
  [document({ ...allow, Resource: 'repository/a' }), 'identity', 'must be in ARN format or "*"'],
  [document({ ...allow, Principal: '*' }), 'identity', 'should not specify a principal'],
  [document({ ...allow, Sid: 'a b' }), 'identity', 'Statement IDs (SID) must be alpha-numeric'],
  [document({ ...allow, Sid: 'a' }, { ...allow, Sid: 'a' }), 'identity', 'must be unique'],
  [document({ Effect: 'Allow', Action: 'ecr:*' }), 'resource', 'Missing required field Principal'],
  [document({ ...allow, Principal: '*' }), 'trust', 'AssumeRole policy may only specify STS AssumeRole actions.'],
  [document({ ...allow, Action: 'sts:AssumeRole', Principal: '*' }), 'trust', 'Has prohibited field Resource'],
  [
    document({ Effect: 'Allow', Principal: { AWS: 'role/x' }, Action: 'ecr:*' }),
    'resource',
    'Invalid principal in policy',
  ],
  [document({ Effect: 'Allow', Principal: { Aws: '*' }, Action: 'ecr:*' }), 'resource', 'Invalid principal in policy'],
])('%s is refused as %s policy: %s', (text, use, message) => {
  expect(() => parsePolicy(text, use)).toThrow(message);
});
