import { expect, test } from 'vitest';
import { formatArn, matchesArn, parseArn } from './arn.ts';
import { parseWildcards } from './wildcard.ts';

const ecr = (name: string, at = 'eu-west-1:111122223333', partition = 'aws') =>
  `arn:${partition}:ecr:${at}:repository/${name}`;

// The table of spec/provisioning.md §2, and the rules of the IAM user guide's "Resource" page.
test.each([
  [ecr('apps/*'), ecr('apps/mainapp'), true],
  [ecr('apps/*'), ecr('apps/team/api'), true],
  [ecr('apps/*'), ecr('apps'), false],
  [ecr('apps/*'), ecr('apps2/x'), false],
  [ecr('apps/*'), ecr('zenler/mainapp'), false],
  [ecr('apps*'), ecr('apps'), true],
  [ecr('apps*'), ecr('apps2/x'), true],
  [ecr('apps*'), ecr('my/apps'), false],
  [ecr('*/mainapp'), ecr('zenler/mainapp'), true],
  [ecr('*/mainapp'), ecr('a/b/mainapp'), true],
  [ecr('*/mainapp'), ecr('mainapp'), false],
  [ecr('apps'), ecr('apps/x'), false],
  [ecr('<apps>/*'), ecr('apps/mainapp'), false],
  [ecr('app?'), ecr('apps'), true],
  [ecr('app?'), ecr('app'), false],
  [ecr('*'), ecr('x', 'us-east-1:111122223333'), false],
  [ecr('*'), ecr('x', 'eu-west-1:999999999999'), false],
  [ecr('*'), ecr('x', 'eu-west-1:111122223333', 'aws-cn'), false],
  [ecr('*', '*:111122223333'), ecr('x', 'us-east-1:111122223333'), true],
  [ecr('*', 'eu-*:*'), ecr('x'), true],
  ['*', ecr('x'), true],
  ['*', '*', true],
  // A wildcard stays within its segment.
  ['arn:aws:ecr:*:repository/x', ecr('x'), false],
  // Missing segments stand for anything.
  ['arn:aws:ecr', ecr('x'), true],
  ['arn:aws:ecr:eu-west-1*', ecr('x'), true],
  // The last segment may hold colons.
  ['arn:aws:logs:eu-west-1:1:log-group:*', 'arn:aws:logs:eu-west-1:1:log-group:a:b', true],
  [ecr('Apps'), ecr('apps'), false],
  [ecr('*'), 'not an arn', false],
])('%s matches %s: %s', (pattern, arn, want) => {
  expect(matchesArn(parseWildcards(pattern), arn)).toBe(want);
});

test('an ARN is taken apart and put together again', () => {
  const text = 'arn:aws:sns:eu-west-1:111122223333:topic:sub:1';
  const arn = parseArn(text);
  expect(arn).toMatchObject({ service: 'sns', account: '111122223333', resource: 'topic:sub:1' });
  expect(arn && formatArn(arn)).toBe(text);
  expect(parseArn('arn:aws:ecr')).toBeUndefined();
});
