import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import type { ObjectKey } from '../../base/kube-object.ts';

/** The tags of one ImageRepository as of its last believed scan. */
export interface StoredTags {
  /** The canonical image name: tags of another image never count. */
  image: string;
  revision: string;
  /** In descending byte order. */
  tags: string[];
}

/**
 * Tags by ImageRepository: a cache that the next scan rebuilds, shared by the controllers of repositories and policies.
 * One file an object, so that objects with different credentials or exclusion lists never share tags (spec/image.md §2.8).
 */
export interface TagStore {
  read(key: ObjectKey): Promise<StoredTags | undefined>;
  /** Replaces the tags at once or not at all, also when the process is killed. */
  write(key: ObjectKey, tags: StoredTags): Promise<void>;
  remove(key: ObjectKey): Promise<void>;
}

/** A store in a folder, which is made when needed. */
export function createTagStore(dir: string): TagStore {
  const fileOf = ({ namespace, name }: ObjectKey) => join(dir, 'imagerepository', namespace, name, 'tags.json');
  return {
    async read(key) {
      try {
        return parseStored(await readFile(fileOf(key), 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(key, tags) {
      const file = fileOf(key);
      const draft = `${file}.${randomUUID()}`;
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      try {
        await writeDurably(draft, JSON.stringify(tags));
        await rename(draft, file);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
    remove: (key) => rm(dirname(fileOf(key)), { recursive: true, force: true }),
  };
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A damaged file is no file: the next scan writes it anew. */
function parseStored(text: string): StoredTags | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const { image, revision, tags } = value;
    if (typeof image !== 'string' || typeof revision !== 'string' || !Array.isArray(tags)) return undefined;
    return { image, revision, tags: tags.map(String) };
  } catch {
    return undefined;
  }
}
