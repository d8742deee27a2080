import { resolve } from 'node:path';
import { CreatePolicyVersionCommand, IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { afterEach, expect, test } from 'vitest';
import { textAt, valueAt } from '../../src/base/json.ts';
import { demoNames, installationOf, runControllers } from '../../src/cli/up/demo.ts';
import { fleetFiles } from '../../src/cli/up/fleet.ts';
import { ImageStore } from '../../src/cli/up/images.ts';
import { provisionSandbox } from '../../src/cli/up/provision-sandbox.ts';
import { seedRepository } from '../../src/cli/up/seed.ts';
import { createGit } from '../../src/git/program.ts';
import { createKubeClient } from '../../src/kube/api-client.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { awsModelOf } from '../../src/provision/aws-model.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { MillraceProcess, newDataFolder, removeFolder } from './sandbox-process.ts';

const { namespace, branch, repository, gitSecret } = demoNames;
const signal = new AbortController().signal;
const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface World {
  sandbox: Sandbox;
  kube: ReturnType<typeof createKubeClient>;
  iam: IAMClient;
  model: ReturnType<typeof awsModelOf>;
}

/** The main job with one link broken between provisioning and the start of the controllers. */
async function broken(breakLink: (world: World) => Promise<void>, seededTag = '1.0.0'): Promise<World> {
  const dataDir = await newDataFolder();
  closers.push(() => removeFolder(dataDir));
  const sandbox = await startSandbox({ dataDir });
  closers.push(() => sandbox.close());
  const { access } = sandbox;
  const kube = createKubeClient(await loadKubeConfig({ env: {}, path: access.kubernetes.kubeconfig }));
  closers.push(() => kube.close());
  const gitUrl = await sandbox.git.createRepository('fleet', { defaultBranch: branch });
  const image = `${access.registry.host}/${repository}`;
  const files = fleetFiles({ gitUrl, branch, gitSecret, namespace, image, tag: seededTag });
  const auth = { kind: 'basic' as const, username: access.git.username, password: access.git.password };
  await seedRepository(createGit(), { url: gitUrl, auth }, { branch, files }, signal);
  const queueUrl = sandbox.aws.ensureEcrEventsQueue('millrace-ecr-events');
  const installation = installationOf(sandbox, gitUrl);
  await provisionSandbox(installation, access, kube, signal);
  const images = new ImageStore(access, repository);
  closers.push(() => images.close());
  await images.push('1.0.0', signal);
  const { url, account, accessKeyId, secretAccessKey } = access.aws;
  const iam = new IAMClient({ endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } });
  closers.push(() => iam.destroy());
  const world = { sandbox, kube, iam, model: awsModelOf(installation) };
  await breakLink(world);
  const program = [process.execPath, resolve('dist/millrace.js')] as const;
  const controllers = await runControllers(sandbox, kube, { queueUrl, dataDir }, { env: process.env, program });
  closers.push(() => controllers.close());
  return world;
}

/** The Ready condition's text once it is False. */
async function failureOf({ kube }: World, apiVersion: string, kind: string, name: string): Promise<string> {
  let text = '';
  await expect
    .poll(
      async () => {
        const object = await kube.get({ apiVersion, kind, namespace, name }, { signal }).catch(() => undefined);
        const conditions = valueAt(object, 'status', 'conditions');
        const ready = (Array.isArray(conditions) ? conditions : []).find(
          (condition) => textAt(condition, 'type') === 'Ready',
        );
        text = `${textAt(ready, 'reason')}: ${textAt(ready, 'message')}`;
        return textAt(ready, 'status');
      },
      { timeout: 30_000, interval: 200 },
    )
    .toBe('False');
  return text;
}

const imageRepository = ['image.toolkit.fluxcd.io/v1', 'ImageRepository', 'mainapp'] as const;

test('a trust policy for another ServiceAccount: STS refuses, and the scan says so', { timeout: 60_000 }, async () => {
  const world = await broken(async ({ iam, model }) => {
    const trust = JSON.stringify(model.role.trust).replaceAll('image-reflector-controller', 'somebody-else');
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: model.role.name, PolicyDocument: trust }));
  });
  expect(await failureOf(world, ...imageRepository)).toMatch(/Not authorized to perform sts:AssumeRoleWithWebIdentity/);
  const env = { KUBECONFIG: world.sandbox.access.kubernetes.kubeconfig };
  const { code, stdout } = await new MillraceProcess(['doctor', '-o', 'json'], { env }).ended;
  expect(code).toBe(1);
  expect(JSON.parse(stdout).findings[0]).toMatchObject({
    code: 'trust-policy-sub-mismatch',
    objects: ['ImageRepository/flux-system/mainapp'],
  });
});

test('a policy without ecr:ListImages: the registry refuses the scan', { timeout: 60_000 }, async () => {
  const world = await broken(async ({ iam, model }) => {
    const document = JSON.stringify(model.policy.document).replace('"ecr:ListImages",', '');
    await iam.send(
      new CreatePolicyVersionCommand({ PolicyArn: model.policy.arn, PolicyDocument: document, SetAsDefault: true }),
    );
  });
  expect(await failureOf(world, ...imageRepository)).toMatch(/not authorized to perform: ecr:ListImages/);
});

test('a wrong git password: the source cannot be fetched', { timeout: 60_000 }, async () => {
  const world = await broken(async ({ kube }) => {
    const data = { password: Buffer.from('wrong').toString('base64') };
    await kube.patch({ apiVersion: 'v1', kind: 'Secret', namespace, name: gitSecret }, 'merge', { data }, { signal });
  });
  const text = await failureOf(world, 'source.toolkit.fluxcd.io/v1', 'GitRepository', namespace);
  expect(text).toMatch(/GitOperationFailed|AuthenticationFailed/);
  expect(text).toMatch(/authentication/i);
});

test('a tag that was never pushed: the pods cannot pull', { timeout: 60_000 }, async () => {
  const { kube } = await broken(async ({ sandbox }) => {
    expect(sandbox.access.registry.host).toContain('dkr.ecr');
  }, '9.9.9');
  await expect
    .poll(
      async () => {
        const { items } = await kube.list({ apiVersion: 'v1', kind: 'Pod' }, { signal, namespace: 'apps' });
        return items
          .map((pod) => textAt(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'reason'))
          .join(' ');
      },
      { timeout: 30_000, interval: 200 },
    )
    .toMatch(/ErrImagePull|ImagePullBackOff/);
});
