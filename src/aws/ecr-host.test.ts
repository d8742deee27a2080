import { expect, test } from 'vitest';
import { parseEcrHost, requireEcrHost } from './ecr-host.ts';

test.each([
  ['012345678901.dkr.ecr.us-east-1.amazonaws.com', 'us-east-1', false, false],
  ['012345678901.dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1', false, false],
  ['012345678901.dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1', true, false],
  ['557238627320.dkr-ecr.us-west-2.on.aws', 'us-west-2', false, true],
  ['557238627320.dkr-ecr-fips.us-west-2.on.aws', 'us-west-2', true, true],
  ['012345678901.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1', false, false],
  ['012345678901.dkr.ecr.us-isob-east-1.sc2s.sgov.gov', 'us-isob-east-1', false, false],
  ['012345678901.dkr.ecr-fips.us-iso-east-1.c2s.ic.gov', 'us-iso-east-1', true, false],
])('%s is in %s', (host, region, fips, dualStack) => {
  expect(parseEcrHost(host)).toMatchObject({ kind: 'private', account: host.slice(0, 12), region, fips, dualStack });
});

test('the public gallery is called in us-east-1', () => {
  expect(parseEcrHost('public.ecr.aws')).toMatchObject({ kind: 'public', region: 'us-east-1' });
});

test.each([
  'gcr.io',
  '1234.dkr.ecr.us-east-1.amazonaws.com',
  'evil.012345678901.dkr.ecr.us-east-1.amazonaws.com',
  '012345678901.dkr.ecr.us-east-1.amazonaws.com.evil.org',
  '012345678901xdkr.ecr.us-east-1.amazonaws.com',
])('%s is no ECR registry', (host) => {
  expect(() => requireEcrHost(host)).toThrow(expect.objectContaining({ code: 'ECR_HOST_INVALID' }));
});
