import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Artifact } from '../../api/artifact.ts';
import { type Clock, formatTime, systemClock } from '../../base/clock.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import type { DigestAlgorithm } from './archive-writer.ts';

export interface ArtifactStoreOptions {
  /** Folder of the artifacts; made where it is missing. */
  root: string;
  /** Host (and port) in `status.artifact.url`; a scheme in it is kept. A function where it is known only later. */
  advertisedHost: string | (() => string);
  algorithm?: DigestAlgorithm;
  /** Files that are no longer current live so long, milliseconds. Default 1 minute. */
  retentionMs?: number;
  /** And so many of them at the most, the current one included. Default 2. */
  retentionRecords?: number;
  clock?: Clock;
}

/** Keeps the artifacts of sources as files `<kind>/<namespace>/<name>/<file>`. One process writes at a time: the leader. */
export interface ArtifactStore {
  readonly root: string;
  readonly algorithm: DigestAlgorithm;
  urlOf(path: string): string;
  /** Writes a file beside its place, moves it there, and describes it. */
  write(
    target: { path: string; revision: string; metadata?: Record<string, string> },
    produce: (file: string) => Promise<{ digest: string; size: number }>,
  ): Promise<Artifact>;
  /** `present`, `missing`, or `damaged` where the bytes are not those of the digest. */
  check(artifact: Artifact, signal: AbortSignal): Promise<'present' | 'missing' | 'damaged'>;
  /** The file of an artifact on this machine's disk. */
  fileOf(artifact: Pick<Artifact, 'path'>): string;
  remove(artifact: Artifact): Promise<void>;
  /** Removes superseded files by age and count; returns how many. */
  collectGarbage(artifact: Artifact): Promise<number>;
  /** Removes everything of an object. */
  removeAll(kind: string, key: ObjectKey): Promise<void>;
  /** Points `<name>` in the artifact's folder at its file and returns the URL. */
  link(artifact: Artifact, name: string): Promise<string>;
}

const unsafePart = /^\.{0,2}$/;
const mostCollected = 1000;

/** The store over a folder (spec/source.md §2.8). */
export function createArtifactStore(options: ArtifactStoreOptions): ArtifactStore {
  const { clock = systemClock, algorithm = 'sha256', retentionMs = 60_000, retentionRecords = 2 } = options;
  const root = resolve(options.root);
  /** Files whose bytes were compared with their digest already, by what would change if they were written to. */
  const checked = new Map<string, string>();
  const fileOf = ({ path }: Pick<Artifact, 'path'>) => {
    if (path.split('/').some((part) => unsafePart.test(part)) || path.includes('\0')) {
      throw new Error(`artifact path '${path}' leaves the storage`);
    }
    return join(root, ...path.split('/'));
  };
  const urlOf = (path: string) => {
    const host = typeof options.advertisedHost === 'string' ? options.advertisedHost : options.advertisedHost();
    return `${/^https?:\/\//.test(host) ? host : `http://${host}`}/${path}`;
  };

  return {
    root,
    algorithm,
    urlOf,
    fileOf,
    async write({ path, revision, metadata }, produce) {
      const file = fileOf({ path });
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
      try {
        const { digest, size } = await produce(draft);
        await chmod(draft, 0o600);
        await rename(draft, file);
        checked.set(file, await fingerprint(file, digest));
        const url = urlOf(path);
        const lastUpdateTime = formatTime(clock.now());
        return { revision, digest, path, url, lastUpdateTime, size, ...(metadata === undefined ? {} : { metadata }) };
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
    async check(artifact, signal) {
      const file = fileOf(artifact);
      const print = await fingerprint(file, artifact.digest).catch(() => undefined);
      if (print === undefined) return 'missing';
      if (checked.get(file) === print) return 'present';
      if ((await digestFile(file, artifact.digest.split(':', 1)[0] ?? '', signal)) !== artifact.digest)
        return 'damaged';
      checked.set(file, print);
      return 'present';
    },
    async remove(artifact) {
      const file = fileOf(artifact);
      checked.delete(file);
      await rm(file, { force: true });
    },
    async collectGarbage(artifact) {
      const current = fileOf(artifact);
      const expired = await findGarbage(current, { now: clock.now(), retentionMs, retentionRecords });
      for (const file of expired) {
        checked.delete(file);
        await rm(file, { force: true });
      }
      return expired.length;
    },
    async removeAll(kind, { namespace, name }) {
      const dir = fileOf({ path: `${kind.toLowerCase()}/${namespace}/${name}` });
      for (const file of checked.keys()) if (file.startsWith(dir + sep)) checked.delete(file);
      await rm(dir, { recursive: true, force: true });
    },
    async link(artifact, name) {
      const file = fileOf(artifact);
      const draft = join(dirname(file), `.${name}.${randomUUID()}.tmp`);
      await symlink(basename(file), draft);
      await rename(draft, join(dirname(file), name));
      return urlOf(`${dirname(artifact.path)}/${name}`);
    },
  };
}

/** Changes whenever the file is written to, even with its times set back: a change time cannot be set. */
async function fingerprint(file: string, digest: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(file);
  return `${digest} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

async function digestFile(file: string, algorithm: string, signal: AbortSignal): Promise<string> {
  if (!/^sha(256|384|512)$/.test(algorithm)) return '';
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash, { signal });
  return `${algorithm}:${hash.digest('hex')}`;
}

interface Retention {
  now: number;
  retentionMs: number;
  retentionRecords: number;
}

/**
 * Superseded files that are too old, whatever their number; then, where at least `records` files are left, the oldest
 * of them until only `records` are. Drafts of a killed process count as garbage once they are old.
 */
async function findGarbage(current: string, { now, retentionMs, retentionRecords }: Retention): Promise<string[]> {
  const dir = dirname(current);
  const files: { file: string; mtimeMs: number }[] = [];
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.slice(0, mostCollected)) {
    const file = join(dir, entry.name);
    if (!entry.isFile() || file === current || entry.name.endsWith('.lock')) continue;
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined) files.push({ file, mtimeMs: found.mtimeMs });
  }
  const isDraft = ({ file }: { file: string }) => basename(file).startsWith('.');
  const expired = files.filter(({ mtimeMs }) => now - mtimeMs > retentionMs);
  const rest = files
    .filter((found) => !expired.includes(found) && !isDraft(found))
    .sort((a, b) => a.mtimeMs - b.mtimeMs || (a.file < b.file ? -1 : 1));
  const surplus = Math.max(0, rest.length + 1 - retentionRecords);
  return [...expired, ...rest.slice(0, surplus)].map(({ file }) => file);
}
