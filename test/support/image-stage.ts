import { join } from 'node:path';
import { createEcrLogins } from '../../src/aws/ecr-login.ts';
import { createAwsIdentities } from '../../src/aws/identities.ts';
import type { KubeObject, ObjectRef } from '../../src/base/kube-object.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { createRegistryAccess } from '../../src/controllers/image/registry-access.ts';
import { createTagStore } from '../../src/controllers/image/tag-store.ts';
import { createImagePolicyController } from '../../src/controllers/image-policy/controller.ts';
import { createImageRepositoryController } from '../../src/controllers/image-repository/controller.ts';
import { createImageUpdateAutomationController } from '../../src/controllers/image-update-automation/controller.ts';
import { type AutomationGates, defaultGates } from '../../src/controllers/image-update-automation/deps.ts';
import { createGit } from '../../src/git/program.ts';
import { createHttpClient } from '../../src/http/http-client.ts';
import type { CallOptions, KubeClient } from '../../src/kube/client.ts';
import type { Controller, Outcome } from '../../src/runtime/controller.ts';
import { type EmbeddedCluster, openEmbeddedCluster, secretOf } from './embedded-cluster.ts';
import { type GitHttpServer, startGitHttpServer } from './git-http-server.ts';
import { createRepository, makeTempDir, type TestRepository } from './git-repository.ts';
import { startTagRegistry, type TagRegistry } from './tag-registry.ts';

type Kind = 'ImageRepository' | 'ImagePolicy' | 'ImageUpdateAutomation';

/** A registry, a git server and the embedded Kubernetes API with the three image controllers; objects are all called `mainapp`. */
export interface ImageStage {
  dir: string;
  registry: TagRegistry;
  gitServer: GitHttpServer;
  cluster: EmbeddedCluster;
  fleet: TestRepository;
  image: string;
  /** Changes what the controllers read, to objects that the schema takes no longer; until the next reset. */
  beforeRead: ((object: KubeObject) => void) | undefined;
  /** How far the clock of the two reflecting controllers is ahead, in milliseconds; until the next reset. */
  aheadMs: number;
  /** Empties everything and puts ImageRepository, ImagePolicy, ImageUpdateAutomation and their source in place. */
  reset(): Promise<void>;
  reconcile(kind: Kind, name?: string): Promise<Outcome | Error>;
  /** Another automation controller with clones of its own: another process. */
  otherAutomation(gates?: Partial<AutomationGates>): Controller;
  run(controller: Controller, name?: string): Promise<Outcome | Error>;
  status(kind: string, name?: string): Record<string, unknown>;
  ready(kind: string, name?: string): { status: string; reason: string; message: string };
  head(branch?: string): string;
  close(): Promise<void>;
}

const group = 'image.toolkit.fluxcd.io/v1';
const kinds = ['ImageUpdateAutomation', 'ImagePolicy', 'ImageRepository', 'GitRepository', 'Secret', 'ServiceAccount'];
const signal = new AbortController().signal;

export async function startImageStage(): Promise<ImageStage> {
  const temp = makeTempDir();
  const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
  const http = createHttpClient();
  const gitServer = await startGitHttpServer({ root: temp.dir, credential: 'bob:s3cret' });
  const registry = await startTagRegistry();
  const image = `${registry.host}/mainapp`;
  let count = 0;
  const cluster = await openEmbeddedCluster('flux-system');
  let fleet: TestRepository;
  let controllers: Record<Kind, Controller>;
  let clones = 0;

  const automation = (gates: Partial<AutomationGates> = {}) =>
    createImageUpdateAutomationController({
      client: cluster.client,
      events: cluster.events,
      http,
      git,
      clonesDir: join(temp.dir, `clones-${++clones}`),
      noCrossNamespaceRefs: false,
      gates: { ...defaultGates, ...gates },
    });

  const client: KubeClient = {
    ...cluster.client,
    async get<T extends KubeObject>(ref: ObjectRef, options: CallOptions) {
      const object = await cluster.client.get<T>(ref, options);
      if (object !== undefined) stage.beforeRead?.(object);
      return object;
    },
  };
  const stage: ImageStage = {
    beforeRead: undefined,
    aheadMs: 0,
    dir: temp.dir,
    registry,
    gitServer,
    image,
    cluster,
    get fleet() {
      return fleet;
    },
    async reset() {
      count++;
      registry.tags = { mainapp: ['1.0.0', '1.0.1'] };
      registry.intercept = undefined;
      registry.credential = undefined;
      registry.requests.length = 0;
      delete gitServer.options.intercept;
      fleet = createRepository(temp.dir, `fleet-${count}.git`);
      await cluster.clear(kinds);
      stage.beforeRead = undefined;
      stage.aheadMs = 0;
      const ecr = createEcrLogins({
        identities: createAwsIdentities({ environment: { endpoints: {} } }),
        endpoints: {},
      });
      const common = {
        client,
        events: cluster.events,
        clock: { now: () => Date.now() + stage.aheadMs },
        tags: createTagStore(join(temp.dir, `tags-${count}`)),
        registries: createRegistryAccess({ client: cluster.client, ecr, http }),
        objectLevelWorkloadIdentity: false,
      };
      controllers = {
        ImageRepository: createImageRepositoryController(common),
        ImagePolicy: createImagePolicyController({ ...common, noCrossNamespaceRefs: false }),
        ImageUpdateAutomation: automation(),
      };
      await putObjects(cluster, image, `${gitServer.url}/fleet-${count}.git`);
    },
    reconcile: (kind, name) => stage.run(controllers[kind], name),
    otherAutomation: automation,
    async run(controller, name = 'mainapp') {
      const context = { signal, superseded: signal, logger: silentLogger };
      const key = { namespace: cluster.namespace, name };
      const outcome = await controller.reconcile(key, context).catch((error: Error) => error);
      await cluster.refreshAll();
      return outcome;
    },
    status: (kind, name = 'mainapp') => cluster.get(kind, name).status,
    ready(kind, name = 'mainapp') {
      const { status = '', reason = '', message = '' } = cluster.condition(kind, name, 'Ready') ?? {};
      return { status, reason, message };
    },
    head: (branch = 'main') => fleet.git('ls-remote', 'origin', `refs/heads/${branch}`).split('\t')[0] ?? '',
    async close() {
      await http.close({ force: true });
      await registry.close();
      await gitServer.close();
      temp.remove();
    },
  };
  return stage;
}

async function putObjects(cluster: EmbeddedCluster, image: string, url: string): Promise<void> {
  const metadata = { name: 'mainapp' };
  await cluster.put(secretOf('auth', { username: 'bob', password: 's3cret' }));
  await cluster.put({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'fleet' },
    spec: { url, interval: '1m', ref: { branch: 'main' }, secretRef: { name: 'auth' } },
  });
  const repository = { image, interval: '1m', provider: 'generic' };
  await cluster.put({ apiVersion: group, kind: 'ImageRepository', metadata, spec: repository });
  const policy = {
    imageRepositoryRef: { name: 'mainapp' },
    policy: { semver: { range: '1.x' } },
    digestReflectionPolicy: 'Never',
  };
  await cluster.put({ apiVersion: group, kind: 'ImagePolicy', metadata, spec: policy });
  await putAutomation(cluster, 'mainapp');
}

/** An automation over `apps/` of the fleet. */
export async function putAutomation(
  cluster: EmbeddedCluster,
  name: string,
  spec: Record<string, unknown> = {},
): Promise<void> {
  await cluster.put({
    apiVersion: group,
    kind: 'ImageUpdateAutomation',
    metadata: { name },
    spec: {
      interval: '5m',
      sourceRef: { kind: 'GitRepository', name: 'fleet' },
      update: { strategy: 'Setters', path: './apps' },
      git: { commit: { author: { name: 'millrace', email: 'm@example.com' } } },
      ...spec,
    },
  });
}
