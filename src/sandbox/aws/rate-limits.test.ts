import { DescribeRegistryCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../../test/support/sandbox-cloud.ts';
import { RateLimits } from './rate-limits.ts';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startTestCloud();
});
afterAll(() => cloud.close());

function clientConfig() {
  return { endpoint: cloud.aws.url, region: 'eu-west-1', credentials: cloud.aws.administrator, maxAttempts: 1 };
}

test('a bucket holds a second’s worth and fills steadily', () => {
  let now = 0;
  const limits = new RateLimits({ now: () => now });
  const takeMany = (count: number) => Array.from({ length: count }, () => limits.take('a')).filter(Boolean).length;
  expect(takeMany(100)).toBe(100);
  limits.set('a', 10);
  expect(takeMany(20)).toBe(10);
  now += 500;
  expect(takeMany(20)).toBe(5);
  now += 60_000;
  expect(takeMany(20)).toBe(10);
  limits.set('a', 0);
  now += 60_000;
  expect(takeMany(20)).toBe(0);
  limits.set('a', undefined);
  expect(takeMany(20)).toBe(20);
});

test('ECR, STS and the registry say that there were too many calls, each in its own words', async () => {
  const ecr = new ECRClient(clientConfig());
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  for (const action of ['ecr:GetAuthorizationToken', 'sts:GetCallerIdentity', 'ecr:ListImages']) {
    cloud.aws.setRateLimit(action, 0);
  }
  await expect(ecr.send(new GetAuthorizationTokenCommand({}))).rejects.toMatchObject({
    name: 'ThrottlingException',
    message: 'Rate exceeded',
  });
  await expect(new STSClient(clientConfig()).send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    Code: 'Throttling',
    message: 'Rate exceeded',
  });
  const authorization = `Basic ${authorizationData?.[0]?.authorizationToken}`;
  const answer = await fetch(`${cloud.registry.url}/v2/apps/a/tags/list`, { headers: { authorization } });
  expect([answer.status, await answer.json()]).toEqual([
    429,
    { errors: [{ code: 'TOOMANYREQUESTS', message: 'Rate exceeded' }] },
  ]);
  await ecr.send(new DescribeRegistryCommand({}));
});
