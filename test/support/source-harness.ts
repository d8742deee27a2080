import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifact } from '../../src/api/artifact.ts';
import { MillraceError } from '../../src/base/error.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { createBucketController } from '../../src/controllers/bucket/controller.ts';
import type { BucketDeps } from '../../src/controllers/bucket/reconcile.ts';
import { createGitRepositoryController } from '../../src/controllers/git-repository/controller.ts';
import type { GitRepositoryDeps } from '../../src/controllers/git-repository/reconcile.ts';
import { createRegistryAccess } from '../../src/controllers/image/registry-access.ts';
import { createOciRepositoryController } from '../../src/controllers/oci-repository/controller.ts';
import type { OciRepositoryDeps } from '../../src/controllers/oci-repository/reconcile.ts';
import { readArchiveFiles } from '../../src/controllers/source/archive-reader.ts';
import { type ArtifactStore, createArtifactStore } from '../../src/controllers/source/artifact-store.ts';
import type { SourceDeps } from '../../src/controllers/source/reconcile-source.ts';
import { createGit } from '../../src/git/program.ts';
import { createHttpClient } from '../../src/http/http-client.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Controller, Outcome } from '../../src/runtime/controller.ts';
import { type EmbeddedCluster, openEmbeddedCluster } from './embedded-cluster.ts';

const signal = new AbortController().signal;

/** The controller of one kind of source over the embedded API and a store in a folder. */
export interface SourceHarness {
  cluster: EmbeddedCluster;
  store: ArtifactStore;
  clock: { now: () => number; skip(ms: number): void };
  /** What the URLs of artifacts begin with; may change between runs. */
  address: { host: string };
  put(spec: Record<string, unknown>, name?: string): Promise<void>;
  edit(spec: Record<string, unknown>, name?: string): Promise<void>;
  reconcile(name?: string): Promise<Outcome | Error>;
  /** The status after the last run. */
  status(name?: string): Record<string, unknown>;
  artifact(name?: string): Artifact;
  condition(type: string, name?: string): { status: string; reason: string; message: string } | undefined;
  /** Text of each file in the artifact. */
  files(name?: string): Promise<Record<string, string>>;
}

/** Objects are called `fleet` where a test gives no name. */
export function createGitHarness(dir: string, extra: Partial<GitRepositoryDeps> = {}): Promise<SourceHarness> {
  const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: dir });
  const mirrorsDir = join(dir, 'mirrors');
  return openHarness({ dir, kind: 'GitRepository', spec: { ref: { branch: 'main' } } }, (deps) =>
    createGitRepositoryController({ ...deps, git, mirrorsDir, ...extra }),
  );
}

/** Without an AWS identity, unless `extra` makes another access to registries of the cluster's client. */
export function createOciHarness(
  dir: string,
  extra: Partial<OciRepositoryDeps> | ((client: KubeClient) => Partial<OciRepositoryDeps>) = {},
): Promise<SourceHarness> {
  const http = createHttpClient();
  const ecr = { login: () => Promise.reject(new Error('no AWS identity')), drop() {} };
  return openHarness({ dir, kind: 'OCIRepository', spec: { provider: 'generic' } }, (deps) => {
    const registries = createRegistryAccess({ client: deps.client, http, ecr });
    const own = typeof extra === 'function' ? extra(deps.client) : extra;
    return createOciRepositoryController({ ...deps, tempDir: dir, registries, ...own });
  });
}

/** Without an AWS identity. */
export function createBucketHarness(dir: string, extra: Partial<BucketDeps> = {}): Promise<SourceHarness> {
  const http = createHttpClient();
  const identities = { credentials: () => Promise.reject(new MillraceError('AWS_NO_CREDENTIALS', 'no AWS identity')) };
  return openHarness({ dir, kind: 'Bucket', spec: { provider: 'generic' } }, (deps) =>
    createBucketController({ ...deps, tempDir: dir, http, identities, ...extra }),
  );
}

interface HarnessOptions {
  dir: string;
  kind: string;
  /** What every object has unless a test says otherwise. */
  spec: Record<string, unknown>;
}

export async function openHarness(
  { dir, kind, spec: preset }: HarnessOptions,
  controllerOf: (deps: SourceDeps) => Controller,
): Promise<SourceHarness> {
  mkdirSync(dir, { recursive: true });
  let skipped = 0;
  const clock = {
    now: () => Date.now() + skipped,
    skip(ms: number) {
      skipped += ms;
    },
  };
  const cluster = await openEmbeddedCluster();
  const { client, events, namespace } = cluster;
  const address = { host: 'artifacts.local.' };
  const store = createArtifactStore({ root: join(dir, 'store'), advertisedHost: () => address.host, clock });
  const controller = controllerOf({ client, events, store, clock });
  const status = (name = 'fleet') => cluster.get(kind, name).status;
  const artifact = (name?: string) => status(name)['artifact'] as Artifact;
  return {
    cluster,
    store,
    clock,
    address,
    put: (spec, name = 'fleet') =>
      cluster.put({
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind,
        metadata: { name },
        spec: { interval: '1m', timeout: '60s', ...preset, ...spec },
      }),
    edit: (spec, name = 'fleet') => cluster.edit(kind, name, spec),
    async reconcile(name = 'fleet') {
      const context = { signal, superseded: signal, logger: silentLogger };
      const outcome = await controller.reconcile({ namespace, name }, context).catch((error: Error) => error);
      await cluster.refresh(kind, name);
      return outcome;
    },
    status,
    artifact,
    condition: (type, name = 'fleet') => cluster.condition(kind, name, type),
    async files(name) {
      const found = await readArchiveFiles(store.fileOf(artifact(name)), { signal });
      return Object.fromEntries([...found].map(([path, data]) => [path, data.toString()]));
    },
  };
}
