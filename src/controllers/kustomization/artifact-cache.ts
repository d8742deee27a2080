import type { Artifact } from '../../api/artifact.ts';
import { newLifetime, withDeadline } from '../../base/deadline.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';

export type OpenArtifact = (artifact: Artifact, signal: AbortSignal) => Promise<FileSystem>;

export interface ArtifactCacheOptions {
  /** Artifacts are kept up to so many bytes of their packed sizes together. Default 16 MiB. */
  maxBytes?: number;
  /** Longest time one may take to fetch and unpack, in milliseconds. Default 2 minutes. */
  timeoutMs?: number;
}

interface Entry {
  bytes: number;
  files: Promise<FileSystem>;
}

/** Sizes are optional in the status of a source. */
const assumedBytes = 64 * 1024;

/**
 * Opens artifacts once for all who build from them: by digest, kept while they are used, least recently used given up
 * first. What failed is not kept.
 */
export function createArtifactCache(open: OpenArtifact, options: ArtifactCacheOptions = {}): OpenArtifact {
  const { maxBytes = 16 * 1024 * 1024, timeoutMs = 120_000 } = options;
  const entries = new Map<string, Entry>();
  // Shared by several runs: that one of them ends must not take the others' files away.
  const { signal: shared } = newLifetime();
  let total = 0;

  const forget = (digest: string) => {
    const entry = entries.get(digest);
    if (entry === undefined) return;
    entries.delete(digest);
    total -= entry.bytes;
  };

  return async (artifact, signal) => {
    const { digest, size = assumedBytes } = artifact;
    let entry = entries.get(digest);
    if (entry === undefined) {
      const files = withDeadline(shared, timeoutMs, `fetching the artifact of ${artifact.revision}`, (deadline) =>
        open(artifact, deadline),
      );
      entry = { bytes: size, files };
      total += size;
      const made = entry;
      files.catch(() => {
        if (entries.get(digest) === made) forget(digest);
      });
    } else entries.delete(digest);
    entries.set(digest, entry);
    for (const [oldest] of entries) {
      if (total <= maxBytes || oldest === digest) break;
      forget(oldest);
    }
    const files = await entry.files;
    signal.throwIfAborted();
    return files;
  };
}
