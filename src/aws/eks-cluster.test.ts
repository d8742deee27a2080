import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestCloud, type TestCloud } from '../../test/support/sandbox-cloud.ts';
import { createEksClusters, type EksClusters } from './eks-cluster.ts';
import type { AwsIdentities } from './identities.ts';

const arn = 'arn:aws:eks:eu-west-1:000000000000:cluster/sandbox';
const { signal } = new AbortController();
let cloud: TestCloud;
let clusters: EksClusters;

beforeAll(async () => {
  cloud = await startTestCloud();
  const identity = { provider: 'static', arn: 'arn:aws:iam::000000000000:user/administrator' } as const;
  const session = async () => ({ credentials: cloud.aws.administrator, identity });
  const identities: AwsIdentities = { controller: session, serviceAccount: session, drop: () => {} };
  clusters = createEksClusters(identities, { eks: cloud.aws.url, sts: cloud.aws.url });
});
afterAll(() => cloud.close());

test('describes the cluster of an ARN', async () => {
  const cluster = await clusters.describe(arn, undefined, signal);
  expect(cluster.ca).toContain('BEGIN CERTIFICATE');
  expect(cluster.endpoint).toMatch(/^https?:/);
  await expect(clusters.describe(arn.replace('sandbox', 'other'), undefined, signal)).rejects.toMatchObject({
    code: 'AWS_REFUSED',
    message: expect.stringContaining('No cluster found for name: other'),
  });
  await expect(clusters.describe('arn:aws:iam::1:role/x', undefined, signal)).rejects.toMatchObject({
    code: 'BAD_INPUT',
  });
});

test('the token is a signed question of STS that names the cluster', async () => {
  const { token, expiresAt } = await clusters.token(arn, undefined, signal);
  expect(expiresAt - Date.now()).toBeGreaterThan(13 * 60_000);
  expect(token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
  const url = new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString());
  expect(url.origin).toBe('https://sts.eu-west-1.amazonaws.com');
  expect(url.searchParams.get('X-Amz-Expires')).toBe('60');
  expect(url.searchParams.get('X-Amz-SignedHeaders')).toBe('host;x-k8s-aws-id');
  // The sandbox's STS checks the signature; only the way to it differs.
  expect(await ask(url, 'sandbox')).toMatch(/<Arn>arn:aws:iam::000000000000:user\/administrator<\/Arn>/);
  expect(await ask(url, 'another')).toMatch(/SignatureDoesNotMatch/);
});

function ask(url: URL, cluster: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: url.host, 'x-k8s-aws-id': cluster };
    const asked = request(`${cloud.aws.url}${url.pathname}${url.search}`, { headers }, (answer) =>
      resolve(text(answer)),
    );
    asked.on('error', reject).end();
  });
}
