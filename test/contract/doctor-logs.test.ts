import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newLifetime } from '../../src/base/deadline.ts';
import { ClusterReader } from '../../src/diagnose/collect/reader.ts';
import { examineCluster } from '../../src/diagnose/doctor/examine.ts';
import { type ConnectedKubeClient, createKubeClient } from '../../src/kube/api-client.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { type SandboxKubernetes, startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import { type FaultyApi, startFaultyApi } from '../support/faulty-api.ts';

const { signal } = newLifetime();
let dir: string;
let kubernetes: SandboxKubernetes;
let api: FaultyApi;
let client: ConnectedKubeClient;

/** The API has no kubelet to ask for logs; what stands before it answers for one. */
const log = [
  '{"level":"info","msg":"starting"}',
  '{"level":"error","msg":"Reconciler error","error":"no EC2 IMDS role found, operation error ec2imds: GetMetadata"}',
  'plain text that is no entry',
].join('\n');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-doctor-logs-'));
  kubernetes = await startKubernetes({ dataDir: dir });
  api = await startFaultyApi(await parseKubeConfig(kubernetes.kubeconfig(), { where: 'sandbox' }));
  client = createKubeClient(api.config);
  const labels = { app: 'image-reflector-controller' };
  const metadata = { name: 'image-reflector-controller-0', namespace: 'default', labels };
  const spec = { containers: [{ name: 'manager', image: 'reflector:1' }] };
  await client.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec }, { signal });
});
afterAll(async () => {
  await client.close();
  await api.close();
  await kubernetes.close();
  await rm(dir, { recursive: true, force: true });
});

test('errors in the logs of the controllers are diagnosed where they are asked for', async () => {
  api.fault = ({ url }) => (url.includes('/log?') ? { kind: 'answer', status: 200, body: log } : undefined);
  expect((await examineCluster(new ClusterReader(client, signal))).findings).toEqual([]);
  const { findings, gaps } = await examineCluster(new ClusterReader(client, signal), { logSeconds: 7200 });
  expect(gaps).toEqual([]);
  expect(findings.map(({ objects }) => objects)).toEqual([['Pod/default/image-reflector-controller-0']]);
  expect(findings[0]?.evidence.join()).toContain('no EC2 IMDS role found');
  expect(api.seen.some(({ url }) => /container=manager&sinceSeconds=7200&limitBytes=\d+/.test(url))).toBe(true);
});

test('logs that may not be read are a gap, and no finding', async () => {
  api.fault = undefined;
  const { findings, gaps } = await examineCluster(new ClusterReader(client, signal), { logSeconds: 60 });
  expect(findings).toEqual([]);
  expect(gaps).toEqual([{ what: 'log of default/image-reflector-controller-0', why: expect.any(String) }]);
});

test('a pod that cannot be made for a quota is seen at its ReplicaSet', async () => {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace: 'default' } };
  await client.create({ ...quota, spec: { hard: { pods: '1' } } }, { signal });
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template };
  await client.create(
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' }, spec },
    { signal },
  );
  await expect
    .poll(async () =>
      (await examineCluster(new ClusterReader(client, signal))).findings.map(({ code, objects }) => [code, objects[0]]),
    )
    .toEqual([['quota-exceeded', expect.stringMatching(/^ReplicaSet\/default\/web-/)]]);
});
