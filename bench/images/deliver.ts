import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crds } from '../../src/api/crds.ts';
import { createEcrLogins } from '../../src/aws/ecr-login.ts';
import { createAwsIdentities } from '../../src/aws/identities.ts';
import { newLifetime, sleep } from '../../src/base/deadline.ts';
import type { KubeObject } from '../../src/base/kube-object.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { createRegistryAccess } from '../../src/controllers/image/registry-access.ts';
import { createTagStore } from '../../src/controllers/image/tag-store.ts';
import { createImagePolicyController } from '../../src/controllers/image-policy/controller.ts';
import { createImageRepositoryController } from '../../src/controllers/image-repository/controller.ts';
import { createPushWaker } from '../../src/controllers/image-repository/wake-by-push.ts';
import { createImageUpdateAutomationController } from '../../src/controllers/image-update-automation/controller.ts';
import { defaultGates } from '../../src/controllers/image-update-automation/deps.ts';
import { createGit } from '../../src/git/program.ts';
import { createHttpClient } from '../../src/http/http-client.ts';
import { createKubeClient } from '../../src/kube/api-client.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { noEvents } from '../../src/runtime/events.ts';
import { createManager } from '../../src/runtime/manager.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import { startGitHttpServer } from '../../test/support/git-http-server.ts';
import { createRepository, runGit } from '../../test/support/git-repository.ts';
import { startTagRegistry } from '../../test/support/tag-registry.ts';
import { median, report } from './report.ts';

const namespace = 'bench';
const rounds = 15;

/** From a push event to the commit on the server: the three controllers over the embedded API, git over HTTP. */
export async function benchDeliver(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const life = newLifetime();
  const registry = await startTagRegistry();
  const gitServer = await startGitHttpServer({ root: dir });
  const fleet = createRepository(dir);
  const image = `${registry.host}/mainapp`;
  registry.tags = { mainapp: ['1.0.0'] };
  fleet.commit({ 'apps/app.yaml': `image: ${image}:1.0.0 # {"$imagepolicy": "${namespace}:mainapp"}\n` });
  const kubernetes = await startKubernetes({ dataDir: join(dir, 'kubernetes') });
  const client = createKubeClient(await parseKubeConfig(kubernetes.kubeconfig(), { where: 'bench' }));
  const http = createHttpClient();
  for (const object of [...crds(), ...objects(image, `${gitServer.url}/fleet.git`)]) {
    await client.create(object, life);
  }

  const ecr = createEcrLogins({ identities: createAwsIdentities({ environment: { endpoints: {} } }), endpoints: {} });
  const common = {
    client,
    events: noEvents,
    tags: createTagStore(join(dir, 'tags')),
    registries: createRegistryAccess({ client, ecr, http, endpoints: { [registry.host]: `http://${registry.host}` } }),
    objectLevelWorkloadIdentity: false,
    noCrossNamespaceRefs: false,
  };
  const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: dir });
  const automation = { ...common, http, git, clonesDir: join(dir, 'clones'), gates: defaultGates };
  const controllers = [
    createImageRepositoryController(common),
    createImagePolicyController(common),
    createImageUpdateAutomationController(automation),
  ];
  const manager = createManager({ client, controllers, logger: silentLogger, metrics: createMetrics() });
  const running = manager.run(life.signal);
  const waker = createPushWaker({ client, logger: silentLogger, signal: life.signal });
  const committed = async (tag: string) => {
    while (!runGit(fleet.bare, ['show', 'main:apps/app.yaml']).includes(`:${tag} `)) await sleep(5);
  };

  await sleep(2000);
  const times: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const tag = `1.0.${round}`;
    registry.tags['mainapp']?.push(tag);
    const startedAt = performance.now();
    await waker.pushed({ host: registry.host, repository: 'mainapp', tag });
    await committed(tag);
    times.push(performance.now() - startedAt);
    // Past the time in which pushes are taken together.
    await sleep(1200);
  }
  report(`push event → commit on the server, median of ${rounds}`, median(times), 500);

  life.abort();
  await running;
  await client.close();
  await http.close({ force: true });
  await kubernetes.close();
  await gitServer.close();
  await registry.close();
  await rm(dir, { recursive: true, force: true });
}

function objects(image: string, url: string): KubeObject[] {
  const group = 'image.toolkit.fluxcd.io/v1';
  const metadata = { name: 'mainapp', namespace };
  const author = { name: 'millrace', email: 'millrace@example.com' };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata,
      spec: { url, interval: '1h', ref: { branch: 'main' } },
    },
    { apiVersion: group, kind: 'ImageRepository', metadata, spec: { image, interval: '1h' } },
    {
      apiVersion: group,
      kind: 'ImagePolicy',
      metadata,
      spec: { imageRepositoryRef: { name: 'mainapp' }, policy: { semver: { range: '1.x' } } },
    },
    {
      apiVersion: group,
      kind: 'ImageUpdateAutomation',
      metadata,
      spec: {
        interval: '1h',
        sourceRef: { kind: 'GitRepository', name: 'mainapp' },
        git: { commit: { author } },
        update: { path: './apps', strategy: 'Setters' },
      },
    },
  ];
}
