import { createReadStream } from 'node:fs';
import type { Artifact } from '../../api/artifact.ts';
import type { GitInclude, GitRepository } from '../../api/git-repository.ts';
import { errorMessage } from '../../base/error.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ArtifactStore } from '../source/artifact-store.ts';
import type { ContentEntry } from '../source/content.ts';
import { SourceFault } from '../source/source-fault.ts';
import { sourceApiVersion } from '../source/source-object.ts';
import { type Spool, spoolArchive, withSpool } from '../source/spool.ts';
import { cleanFolder, replaceFolder } from './git-content.ts';

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
  const merge = async (index: number, merged: readonly ContentEntry[]): Promise<T> => {
    const next = includes[index];
    if (next === undefined) return work(merged);
    const { include, artifact } = next;
    const toPath = safeFolder(include.toPath || include.repository.name);
    const fromPath = safeFolder(include.fromPath ?? '');
    return withSpool(options.tempDir, async (spool) => {
      const found = await unpack(artifact, spool, { ...options, fromPath, toPath });
      return merge(index + 1, toPath === '' ? found : replaceFolder(merged, toPath, found));
    });
  };
  return merge(0, content);
}

/** What an artifact holds below `fromPath`, as content below `toPath`. */
async function unpack(
  artifact: Artifact,
  spool: Spool,
  { store, signal, fromPath, toPath }: IncludeOptions & { fromPath: string; toPath: string },
): Promise<ContentEntry[]> {
  let isFound = fromPath === '';
  const place = ({ path }: { path: string }) => {
    const isBelow = fromPath === '' || path.startsWith(`${fromPath}/`);
    if (path === fromPath || isBelow) isFound = true;
    if (!isBelow) return undefined;
    const inner = fromPath === '' ? path : path.slice(fromPath.length + 1);
    return toPath === '' ? inner : `${toPath}/${inner}`;
  };
  try {
    const { entries } = await spoolArchive(createReadStream(store.fileOf(artifact)), spool, { signal, place });
    if (isFound) return entries.filter(({ path }) => toPath === '' || path.startsWith(`${toPath}/`));
  } catch (cause) {
    signal.throwIfAborted();
    throw copyFailure(`could not unpack included artifact '${artifact.revision}': ${errorMessage(cause)}`, cause);
  }
  throw copyFailure(`included artifact '${artifact.revision}' has no folder '${fromPath}'`);
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
