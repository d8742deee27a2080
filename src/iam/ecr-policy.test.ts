import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { type EcrProfile, ecrPolicy, repositoryArn } from './ecr-policy.ts';
import { parsePolicy } from './policy-document.ts';
import { conditionContext } from './policy-variables.ts';

const registry = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };

test.each<[EcrProfile, string, boolean]>([
  ['scan', 'ecr:ListImages', true],
  ['scan', 'ecr:BatchGetImage', false],
  ['scan+meta', 'ecr:DescribeImages', true],
  ['scan+meta', 'ecr:GetDownloadUrlForLayer', false],
  ['pull', 'ecr:GetDownloadUrlForLayer', true],
  ['ptc', 'ecr:BatchImportUpstreamImage', true],
  ['ptc', 'ecr:PutImage', false],
])('profile %s and %s: %s', (profile, action, allowed) => {
  const policy = parsePolicy(ecrPolicy(profile, [{ ...registry, repositories: ['apps/*'] }]), 'identity');
  const request = {
    caller: { kind: 'user', arn: 'arn:aws:iam::111122223333:user/x', account: '111122223333' } as const,
    context: conditionContext({}),
  };
  const resource = repositoryArn(registry, 'apps/mainapp');
  expect(decide({ ...request, action, resource }, { identity: [policy] }).allowed).toBe(allowed);
  const login = { ...request, action: 'ecr:GetAuthorizationToken', resource: '*' };
  expect(decide(login, { identity: [policy] }).allowed).toBe(true);
  const elsewhere = repositoryArn({ ...registry, region: 'us-east-1' }, 'apps/mainapp');
  expect(decide({ ...request, action, resource: elsewhere }, { identity: [policy] }).allowed).toBe(false);
});
