import type { Artifact } from '../../api/artifact.ts';
import { awaitShared, newLifetime, withDeadline } from '../../base/deadline.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';

export type OpenArtifact = (artifact: Artifact, signal: AbortSignal) => Promise<FileSystem>;

/** An artifact unpacked in memory. */
export interface UnpackedArtifact {
  files: FileSystem;
  /** Of all its files together. */
  bytes: number;
}

export interface ArtifactCacheOptions {
  /** Artifacts are kept up to so many bytes of their files together. Default 32 MiB. */
  maxBytes?: number;
  /** Longest time one may take to fetch and unpack, in milliseconds. Default 2 minutes. */
  timeoutMs?: number;
}

interface Entry {
  /** 0 until it is unpacked. */
  bytes: number;
  files: Promise<FileSystem>;
}

/**
 * Opens artifacts once for all who build from them: by digest, kept while they are used, least recently used given up
 * first. What failed is not kept.
 */
export function createArtifactCache(
  open: (artifact: Artifact, signal: AbortSignal) => Promise<UnpackedArtifact>,
  { maxBytes = 32 * 1024 * 1024, timeoutMs = 120_000 }: ArtifactCacheOptions = {},
): OpenArtifact {
  // In the order of their last use.
  const entries = new Map<string, Entry>();
  // Shared by several runs: that one of them ends must not take the others' files away.
  const { signal: lifetime } = newLifetime();

  const makeRoom = () => {
    let total = 0;
    for (const { bytes } of entries.values()) total += bytes;
    for (const [oldest, { bytes }] of entries) {
      if (total <= maxBytes || entries.size === 1) return;
      entries.delete(oldest);
      total -= bytes;
    }
  };

  const load = (artifact: Artifact): Entry => {
    const what = `fetching the artifact of ${artifact.revision}`;
    const unpacking = withDeadline(lifetime, timeoutMs, what, (deadline) => open(artifact, deadline));
    const entry: Entry = { bytes: 0, files: unpacking.then(({ files }) => files) };
    unpacking.then(
      ({ bytes }) => {
        entry.bytes = bytes;
        makeRoom();
      },
      () => {
        if (entries.get(artifact.digest) === entry) entries.delete(artifact.digest);
      },
    );
    return entry;
  };

  return (artifact, signal) => {
    const entry = entries.get(artifact.digest) ?? load(artifact);
    entries.delete(artifact.digest);
    entries.set(artifact.digest, entry);
    return awaitShared(entry.files, signal);
  };
}
