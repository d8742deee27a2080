import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifact } from '../../src/api/artifact.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { createGitRepositoryController } from '../../src/controllers/git-repository/controller.ts';
import type { GitRepositoryDeps } from '../../src/controllers/git-repository/reconcile.ts';
import { readArchiveFiles } from '../../src/controllers/source/archive-reader.ts';
import { type ArtifactStore, createArtifactStore } from '../../src/controllers/source/artifact-store.ts';
import { createGit } from '../../src/git/program.ts';
import type { Outcome } from '../../src/runtime/controller.ts';
import { createMemoryCluster, type MemoryCluster } from './memory-cluster.ts';

const signal = new AbortController().signal;

/** A GitRepository controller over a cluster in memory and a store in a folder. */
export interface GitHarness {
  cluster: MemoryCluster;
  store: ArtifactStore;
  clock: { now: () => number; skip(ms: number): void };
  put(spec: Record<string, unknown>, name?: string): void;
  reconcile(name?: string): Promise<Outcome | Error>;
  status(name?: string): Record<string, unknown>;
  artifact(name?: string): Artifact;
  condition(type: string, name?: string): { status: string; reason: string; message: string } | undefined;
  /** Text of each file in the artifact. */
  files(name?: string): Promise<Record<string, string>>;
}

export function createGitHarness(dir: string, extra: Partial<GitRepositoryDeps> = {}): GitHarness {
  const cluster = createMemoryCluster();
  let skipped = 0;
  mkdirSync(dir, { recursive: true });
  const clock = {
    now: () => Date.now() + skipped,
    skip(ms: number) {
      skipped += ms;
    },
  };
  const store = createArtifactStore({ root: join(dir, 'store'), advertisedHost: 'artifacts.local.', clock });
  const controller = createGitRepositoryController({
    client: cluster.client,
    events: cluster.events,
    store,
    git: createGit({ searchPath: process.env['PATH'] ?? '', tempDir: dir }),
    mirrorsDir: join(dir, 'mirrors'),
    ...extra,
  });
  const status = (name = 'fleet') => cluster.get('GitRepository', name).status;
  const artifact = (name?: string) => status(name)['artifact'] as Artifact;
  return {
    cluster,
    store,
    clock,
    put: (spec, name = 'fleet') =>
      cluster.put({
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'GitRepository',
        metadata: { name },
        spec: { interval: '1m', timeout: '60s', ref: { branch: 'main' }, ...spec },
        status: { observedGeneration: -1 },
      }),
    reconcile: (name = 'fleet') =>
      controller
        .reconcile({ namespace: 'flux-system', name }, { signal, superseded: signal, logger: silentLogger })
        .catch((error: Error) => error),
    status,
    artifact,
    condition: (type, name = 'fleet') => cluster.condition('GitRepository', name, type),
    async files(name) {
      const found = await readArchiveFiles(store.fileOf(artifact(name)), { signal });
      return Object.fromEntries([...found].map(([path, data]) => [path, data.toString()]));
    },
  };
}
