import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Artifact } from '../../api/artifact.ts';
import type { GitInclude, GitRepository } from '../../api/git-repository.ts';
import { errorMessage } from '../../base/error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { readArchive } from '../source/archive-reader.ts';
import type { ArtifactStore } from '../source/artifact-store.ts';
import { SourceFault } from '../source/source-fault.ts';
import { sourceApiVersion } from '../source/source-object.ts';
import { type ContentEntry, cleanFolder, replaceFolder } from './git-content.ts';

/** The artifacts of `spec.include`, in its order. Throws a waiting SourceFault where one is not there yet. */
export async function findIncludes(
  object: GitRepository,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Artifact[]> {
  const artifacts: Artifact[] = [];
  for (const { repository } of object.spec.include ?? []) {
    const { name } = repository;
    const namespace = object.metadata.namespace ?? '';
    const found = await client.get<GitRepository>(
      { apiVersion: sourceApiVersion, kind: 'GitRepository', namespace, name },
      { signal },
    );
    if (found === undefined) {
      const cause = `gitrepositories.source.toolkit.fluxcd.io "${name}" not found`;
      throw unavailable('NotFound', `could not get resource for include '${name}': ${cause}`);
    }
    const { artifact } = found.status ?? {};
    if (artifact === undefined) throw unavailable('NoArtifact', `no artifact available for include '${name}'`);
    artifacts.push(artifact);
  }
  return artifacts;
}

export interface IncludeOptions {
  store: ArtifactStore;
  signal: AbortSignal;
  tempDir: string;
}

/**
 * Calls `work` with the content of included artifacts put into their places; what they hold is on disk only meanwhile.
 * Throws SourceFault `IllegalPath`, `CopyFailure`.
 */
export async function withIncludes<T>(
  content: readonly ContentEntry[],
  includes: readonly { include: GitInclude; artifact: Artifact }[],
  options: IncludeOptions,
  work: (content: readonly ContentEntry[]) => Promise<T>,
): Promise<T> {
  if (includes.length === 0) return work(content);
  const dir = await mkdtemp(join(options.tempDir, 'millrace-include-'));
  try {
    let merged: readonly ContentEntry[] = content;
    for (const [index, { include, artifact }] of includes.entries()) {
      const toPath = safeFolder(include.toPath || include.repository.name);
      const fromPath = safeFolder(include.fromPath ?? '');
      const found = await unpack(artifact, join(dir, String(index)), { ...options, fromPath, toPath });
      merged = toPath === '' ? found : replaceFolder(merged, toPath, found);
    }
    return await work(merged);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Files of an artifact below `fromPath`, as content below `toPath`. */
async function unpack(
  artifact: Artifact,
  dir: string,
  { store, signal, fromPath, toPath }: IncludeOptions & { fromPath: string; toPath: string },
): Promise<ContentEntry[]> {
  const entries: ContentEntry[] = [];
  const made = new Set<string>();
  let count = 0;
  let isFound = fromPath === '';
  try {
    await readArchive(createReadStream(store.fileOf(artifact)), { signal }, async ({ path, kind, size }, copy) => {
      const isBelow = fromPath === '' || path.startsWith(`${fromPath}/`);
      if (path === fromPath || isBelow) isFound = true;
      if (!isBelow) return;
      const inner = fromPath === '' ? path : path.slice(fromPath.length + 1);
      const place = toPath === '' ? inner : `${toPath}/${inner}`;
      if (kind === 'directory') return void entries.push({ path: place, kind, from: undefined });
      const file = join(dir, String(count++));
      if (!made.has(dirname(file))) await mkdir(dirname(file), { recursive: true });
      made.add(dirname(file));
      const stream = createWriteStream(file, { mode: 0o600 });
      await copy(async (part) => {
        if (!stream.write(part)) await once(stream, 'drain', { signal });
      });
      stream.end();
      await once(stream, 'close', { signal });
      entries.push({ path: place, kind, from: { file, size } });
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw copyFailure(`could not unpack included artifact '${artifact.revision}': ${errorMessage(cause)}`, cause);
  }
  if (!isFound) throw copyFailure(`included artifact '${artifact.revision}' has no folder '${fromPath}'`);
  return entries;
}

function safeFolder(path: string): string {
  if (path.split('/').includes('..') || path.startsWith('/') || path.includes('\\') || path.includes('\0')) {
    const message = `path calculation for include failed: '${path}' leaves the repository`;
    throw new SourceFault('IllegalPath', message, { condition: 'StorageOperationFailed' });
  }
  return cleanFolder(path);
}

function copyFailure(message: string, cause?: unknown): SourceFault {
  return new SourceFault('CopyFailure', message, { condition: 'StorageOperationFailed', cause });
}

function unavailable(reason: string, message: string): SourceFault {
  return new SourceFault(reason, message, { condition: 'IncludeUnavailable', kind: 'waiting' });
}
