import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type GitHttpServer, startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir, type TestRepository } from '../../../test/support/git-repository.ts';
import { createMemoryCluster, type MemoryCluster, secretOf } from '../../../test/support/memory-cluster.ts';
import { startTagRegistry, type TagRegistry } from '../../../test/support/tag-registry.ts';
import { createEcrLogins } from '../../aws/ecr-login.ts';
import { createAwsIdentities } from '../../aws/identities.ts';
import { silentLogger } from '../../base/logger.ts';
import { createGit } from '../../git/program.ts';
import { createHttpClient } from '../../http/http-client.ts';
import type { Controller, Outcome } from '../../runtime/controller.ts';
import { createImagePolicyController } from '../image-policy/controller.ts';
import { createImageRepositoryController } from '../image-repository/controller.ts';
import { createImageUpdateAutomationController } from '../image-update-automation/controller.ts';
import { defaultGates } from '../image-update-automation/deps.ts';
import { createRegistryAccess } from './registry-access.ts';
import { createTagStore } from './tag-store.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
const http = createHttpClient();
let gitServer: GitHttpServer;
let registry: TagRegistry;
let fleet: TestRepository;
let cluster: MemoryCluster;
let controllers: Record<'ImageRepository' | 'ImagePolicy' | 'ImageUpdateAutomation', Controller>;
let count = 0;

beforeAll(async () => {
  gitServer = await startGitHttpServer({ root: temp.dir, credential: 'bob:s3cret' });
  registry = await startTagRegistry();
});
afterAll(async () => {
  await http.close({ force: true });
  await registry?.close();
  await gitServer?.close();
  temp.remove();
});

beforeEach(() => {
  count++;
  fleet = createRepository(temp.dir, `fleet-${count}.git`);
  cluster = createMemoryCluster();
  const identities = createAwsIdentities({ environment: { endpoints: {} } });
  const ecr = createEcrLogins({ identities, endpoints: {} });
  const common = {
    client: cluster.client,
    events: cluster.events,
    tags: createTagStore(join(temp.dir, `tags-${count}`)),
    registries: createRegistryAccess({ client: cluster.client, ecr, http }),
    objectLevelWorkloadIdentity: false,
  };
  controllers = {
    ImageRepository: createImageRepositoryController(common),
    ImagePolicy: createImagePolicyController({ ...common, noCrossNamespaceRefs: false }),
    ImageUpdateAutomation: createImageUpdateAutomationController({
      ...common,
      git,
      clonesDir: join(temp.dir, `clones-${count}`),
      noCrossNamespaceRefs: false,
      gates: defaultGates,
    }),
  };
  putAll();
});

const image = () => `${registry.host}/mainapp`;

function putAll(): void {
  registry.tags = { mainapp: ['1.0.0', '1.0.1'] };
  const group = 'image.toolkit.fluxcd.io/v1';
  const metadata = { name: 'mainapp' };
  cluster.put(secretOf('auth', { username: 'bob', password: 's3cret' }));
  cluster.put({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'fleet' },
    spec: {
      url: `${gitServer.url}/fleet-${count}.git`,
      interval: '1m',
      ref: { branch: 'main' },
      secretRef: { name: 'auth' },
    },
  });
  const status = { observedGeneration: -1 };
  cluster.put({
    apiVersion: group,
    kind: 'ImageRepository',
    metadata,
    spec: { image: image(), interval: '1m', provider: 'generic' },
    status,
  });
  cluster.put({
    apiVersion: group,
    kind: 'ImagePolicy',
    metadata,
    spec: {
      imageRepositoryRef: { name: 'mainapp' },
      policy: { semver: { range: '1.x' } },
      digestReflectionPolicy: 'Never',
    },
    status,
  });
  cluster.put({
    apiVersion: group,
    kind: 'ImageUpdateAutomation',
    metadata,
    spec: {
      interval: '5m',
      sourceRef: { kind: 'GitRepository', name: 'fleet' },
      update: { strategy: 'Setters', path: './apps' },
      git: { commit: { author: { name: 'millrace', email: 'm@example.com' } } },
    },
    status,
  });
}

async function reconcile(kind: keyof typeof controllers, name = 'mainapp'): Promise<Outcome | Error> {
  const context = { signal, superseded: signal, logger: silentLogger };
  return controllers[kind].reconcile({ namespace: 'flux-system', name }, context).catch((error: Error) => error);
}

const status = (kind: string, name = 'mainapp') => cluster.get(kind, name).status;
const ready = (kind: string, name = 'mainapp') => cluster.condition(kind, name, 'Ready');
const deployment = (tag: string) => `image: ${image()}:${tag} # {"$imagepolicy": "flux-system:mainapp"}\n`;
const head = () => fleet.git('ls-remote', 'origin', 'refs/heads/main').split('\t')[0];

test('a tag travels from the registry into a commit', async () => {
  const base = fleet.commit({ 'apps/app.yaml': deployment('1.0.0'), 'other.yaml': deployment('1.0.0') });
  expect(await reconcile('ImageRepository')).toEqual({ requeueAfterMs: 60_000 });
  expect(status('ImageRepository')).toMatchObject({
    canonicalImageName: image(),
    lastScanResult: { tagCount: 2, latestTags: ['1.0.1', '1.0.0'] },
  });
  expect(ready('ImageRepository')?.message).toMatch(/^successful scan: found 2 tags with checksum sha256:/);
  expect(await reconcile('ImagePolicy')).toEqual({});
  expect(status('ImagePolicy')['latestRef']).toEqual({ name: image(), tag: '1.0.1' });
  expect(ready('ImagePolicy')?.message).toBe(`Latest image tag for ${image()} resolved to 1.0.1`);
  expect(await reconcile('ImageUpdateAutomation')).toEqual({ requeueAfterMs: 300_000 });
  expect(ready('ImageUpdateAutomation')).toMatchObject({ status: 'True', message: 'repository up-to-date' });
  const pushed = status('ImageUpdateAutomation')['lastPushCommit'];
  expect(pushed).toBe(head());
  expect(status('ImageUpdateAutomation')['observedSourceRevision']).toBe(`main@sha1:${pushed}`);
  fleet.git('fetch', '-q', 'origin');
  expect(fleet.git('diff', '--stat=80', base, 'origin/main')).toContain(
    '1 file changed, 1 insertion(+), 1 deletion(-)',
  );
  expect(fleet.git('show', 'origin/main:apps/app.yaml')).toBe(deployment('1.0.1').trim());
  expect(fleet.git('log', '-1', '--format=%an <%ae> %s', 'origin/main')).toBe(
    'millrace <m@example.com> Update from image update automation',
  );
  expect(cluster.recorded.at(-1)).toMatch(
    /^Normal Succeeded: pushed commit '[0-9a-f]{7}' to branch 'main'\nUpdate from/,
  );
  expect(cluster.get('GitRepository', 'fleet').metadata.annotations).toHaveProperty([
    'reconcile.fluxcd.io/requestedAt',
  ]);

  await reconcile('ImageUpdateAutomation');
  expect(head()).toBe(pushed);
  expect(cluster.recorded.at(-1)).toBe('Trace Succeeded: no change since last reconciliation');
});
