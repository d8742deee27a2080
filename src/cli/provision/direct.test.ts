import { execFileSync, spawnSync } from 'node:child_process';
import { CreateRoleCommand, GetPolicyCommand, GetPolicyVersionCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { loadAll } from 'js-yaml';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Provisioning, startProvisioning } from '../../../test/support/provisioning.ts';
import { crds } from '../../api/crds.ts';
import { newLifetime } from '../../base/deadline.ts';
import { isRecord, textAt } from '../../base/json.ts';
import { ImageStore } from '../up/images.ts';

let at: Provisioning;
beforeEach(async () => {
  at = await startProvisioning();
});
afterEach(() => at.close());

const configure = (repositories: string[], extra: Record<string, unknown> = {}) => at.configure(repositories, extra);
const run = (...argv: string[]) => at.run(argv);
const iamClient = () => new IAMClient(at.aws);
const arnOf = (resource: string) => at.arnOf(resource);

async function pushImage(): Promise<void> {
  const images = new ImageStore(at.sandbox.access, 'zenler/mainapp');
  const { signal } = newLifetime();
  await images.ensureRepository(signal);
  await images.push('1.0.0', signal);
  images.close();
}

test('a plan, its application, an empty second plan, and destruction', async () => {
  configure(['zenler/*']);
  const plan = await run('apply', '--dry-run');
  expect(plan.stderr).toBe('');
  expect(plan.stdout).toContain('create IAM role');
  expect(plan.stdout).not.toContain('hush');
  expect((await run('apply', '--dry-run')).stdout).toBe(plan.stdout);
  expect(await run('apply')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('steps done') });
  expect(await run('apply')).toMatchObject({ exitCode: 0, stdout: 'nothing to do\n' });

  const destroyed = await run('destroy');
  expect(destroyed).toMatchObject({ exitCode: 0 });
  expect(destroyed.stdout).toContain('kept CustomResourceDefinitions');
  const missing = iamClient().send(
    new GetPolicyCommand({ PolicyArn: `arn:aws:iam::${at.sandbox.access.aws.account.id}:policy/test-ecr-read` }),
  );
  await expect(missing).rejects.toThrow(/not found|does not exist/i);
  expect((await run('destroy', '--dry-run')).stdout).not.toContain('delete IAM');
}, 60_000);

test('an existing policy is not widened without a yes', async () => {
  configure(['zenler/*']);
  await run('apply');
  configure(['zenler/*', 'other/*']);
  const refused = await run('apply');
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('PROVISION_WIDENS') });
  expect(refused.stderr).toContain('ecr:ListImages on arn:aws:ecr:');
  expect((await run('apply', '--dry-run')).stdout).toContain('widens: would also allow');
  expect(await run('apply', '--allow-widening')).toMatchObject({ exitCode: 0 });
  configure(['zenler/mainapp']);
  expect(await run('apply')).toMatchObject({ exitCode: 0, stdout: '1 steps done\n' });
}, 60_000);

test('what was there before is adopted, and stays when the rest goes', async () => {
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  await iamClient().send(
    new CreateRoleCommand({ RoleName: 'test-image-reflector', AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  configure(['zenler/*']);
  expect((await run('apply')).stderr).toContain('PROVISION_WIDENS');
  expect(await run('apply', '--allow-widening')).toMatchObject({ exitCode: 0 });
  expect((await run('destroy')).stdout).toMatch(/kept IAM role .*: it was there before/);
}, 60_000);

test('push events, artifacts and delivery objects: made, nothing to do a second time, taken away', async () => {
  configure(['zenler/*'], {
    events: true,
    ecr: { repositories: ['zenler/*'], pull: ['artifacts/*'], pullThrough: ['cache'] },
    git: { url: `${at.sandbox.access.git.url}/fleet.git`, path: './clusters/sandbox', ref: 'refs/heads/main' },
    images: [{ name: 'mainapp', image: 'zenler/mainapp', policy: { semver: { range: '1.x' } } }],
  });
  expect(await run('apply')).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('EventBridge rule test-ecr-push'),
  });
  expect(await run('apply')).toMatchObject({ stdout: 'nothing to do\n' });
  const { PolicyVersion } = await iamClient().send(
    new GetPolicyVersionCommand({ PolicyArn: arnOf('policy/test-ecr-pull'), VersionId: 'v1' }),
  );
  const document = decodeURIComponent(PolicyVersion?.Document ?? '');
  expect(document).toContain('repository/cache/*');
  expect(document).toContain('ecr:BatchImportUpstreamImage');

  // What was made carries: a push arrives in the queue.
  await pushImage();
  const sqs = new SQSClient(at.aws);
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'test-ecr-push' }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  expect(Messages?.[0]?.Body).toContain('zenler/mainapp');
  sqs.destroy();

  const { kube } = at;
  const { signal } = newLifetime();
  const key = { namespace: 'flux-system', name: 'mainapp' };
  expect(
    await kube.get({ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageRepository', ...key }, { signal }),
  ).toMatchObject({ spec: { image: `${at.sandbox.access.registry.host}/zenler/mainapp`, provider: 'aws' } });
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'flux-system', name: 'source-controller' };
  expect(await kube.get(account, { signal })).toMatchObject({
    metadata: { annotations: { 'eks.amazonaws.com/role-arn': arnOf('role/test-source') } },
  });
  const gone = await run('destroy');
  expect(gone.stderr).toContain('delete EventBridge rule test-ecr-push');
  expect(gone.stderr).toContain('delete SQS queue test-ecr-push-unread');
  expect((await run('destroy', '--dry-run')).stdout).not.toMatch(/delete (IAM|SQS|Event)/);
}, 60_000);

const helm = process.env['HELM'] ?? 'helm';
const hasHelm = spawnSync(helm, ['version'], { stdio: 'ignore' }).status === 0;
test.skipIf(!hasHelm)(
  'what it ends with brings the pods beside what it made',
  async () => {
    configure(['zenler/*'], { millrace: { charts: `${process.cwd()}/charts`, topology: 'split' }, events: true });
    const { next } = JSON.parse((await run('apply', '-o', 'json')).stdout);
    const args = String(next)
      .replace(/^helm install/, 'template')
      .split(' ');
    const objects = loadAll(execFileSync(helm, args, { encoding: 'utf8' })).filter(isRecord);
    expect(objects.filter(({ kind }) => kind === 'Deployment')).toHaveLength(4);
    expect(JSON.stringify(objects)).toContain('/000000000000/test-ecr-push');
    const names = objects.map(({ kind, metadata }) => `${kind}/${textAt(metadata, 'name')}`);
    expect(names.filter((name) => /^(ServiceAccount|ClusterRole|CustomResource)/.test(name))).toEqual([]);
  },
  30_000,
);

test('Pod Identity: an association in the place of annotation and provider; another role is not replaced', async () => {
  configure(['zenler/*'], { identity: 'pod-identity' });
  const applied = await run('apply');
  expect(applied).toMatchObject({ exitCode: 0 });
  expect(applied.stderr).toContain('Pod Identity association of flux-system/millrace');
  expect(applied.stderr).not.toContain('OIDC provider');
  expect(await run('apply')).toMatchObject({ stdout: 'nothing to do\n' });
  configure(['zenler/*'], { identity: 'pod-identity', name: 'other' });
  expect(await run('apply')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('PROVISION_CONFLICT') });
  configure(['zenler/*'], { identity: 'pod-identity' });
  expect((await run('destroy')).stderr).toContain('delete Pod Identity association');
}, 60_000);

test('engine flux: everything around it, then what is to be done by hand, then the instance', async () => {
  configure(['zenler/*'], { engine: 'flux', git: { url: 'https://git.example.com/fleet.git', ref: 'refs/tags/v1' } });
  const first = await run('apply');
  expect(first).toMatchObject({ exitCode: 0 });
  expect(first.stdout).toContain('waits    FluxInstance/flux-system/flux');
  expect(first.stdout).toContain(
    'helm install flux-operator oci://ghcr.io/controlplaneio-fluxcd/charts/flux-operator --version',
  );
  const { kube } = at;
  const { signal } = newLifetime();
  for (const definition of crds()) await kube.apply(definition, { fieldManager: 'operator', signal });
  const second = await run('apply');
  expect(second.stderr).toBe('create FluxInstance/flux-system/flux\n');
  expect(await run('apply')).toMatchObject({ stdout: 'nothing to do\n' });
  const instance = {
    apiVersion: 'fluxcd.controlplane.io/v1',
    kind: 'FluxInstance',
    namespace: 'flux-system',
    name: 'flux',
  };
  const live = JSON.stringify(await kube.get(instance, { signal }));
  expect(live).toContain(arnOf('role/test-image-reflector'));
  expect(live).toContain('"ref":"refs/tags/v1"');
}, 60_000);

test('a change of the topology takes away the rights of the other one, and only those that provisioning made', async () => {
  configure(['zenler/mainapp']);
  await run('apply');
  const { kube: client } = at;
  const { signal } = newLifetime();
  const rbac = 'rbac.authorization.k8s.io/v1';
  const role = (name: string) => ({ apiVersion: rbac, kind: 'ClusterRole', name });
  await client.create(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'source-controller', namespace: 'flux-system' } },
    { signal },
  );
  configure(['zenler/mainapp'], { millrace: { topology: 'split' } });
  expect(await run('apply', '--dry-run')).toMatchObject({
    stdout: expect.stringMatching(/ClusterRoleBinding\/millrace-controllers: of the other/),
  });
  await run('apply');
  const names = async (kind: string) =>
    (await client.list({ apiVersion: kind === 'ServiceAccount' ? 'v1' : rbac, kind }, { signal })).items
      .map(({ metadata }) => metadata.name)
      .filter((name) => /millrace|-controller$/.test(name))
      .sort();
  const four = ['image-automation', 'image-reflector', 'kustomize', 'source'].map((name) => `${name}-controller`);
  expect(await names('ServiceAccount')).toEqual(four);
  const rights = [...four.map((name) => `millrace-${name}`)];
  expect(await names('ClusterRole')).toEqual(rights);
  expect(await names('ClusterRoleBinding')).toEqual(['millrace-apply', ...rights].sort());
  expect(await names('Role')).toEqual([]);
  expect((await run('apply')).stdout).toBe('nothing to do\n');

  configure(['zenler/mainapp']);
  await run('apply');
  expect(await names('ClusterRole')).toEqual(['millrace-controllers']);
  expect(await names('ServiceAccount')).toEqual(['image-reflector-controller', 'millrace', 'source-controller']);
  expect(await client.get(role('millrace-source-controller'), { signal })).toBeUndefined();
});
