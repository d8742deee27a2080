import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type ArchiveLimits, defaultArchiveLimits, type FoundEntry, readArchive } from './archive-reader.ts';
import { addFolders, type ContentEntry, conflicting, inWalkOrder } from './content.ts';

/** A file's bytes in a spool: one temporary file for all of an archive, whatever the number of its files. */
export interface SpooledFile {
  spool: Spool;
  offset: number;
  size: number;
}

export interface Spool {
  /** Puts bytes at a place of one's own choice; many may write at once. A spool is either appended to or written so. */
  write(part: Buffer, offset: number): Promise<void>;
  append(part: Buffer): Promise<void> | void;
  /** Hands a file's bytes over in pieces. */
  copy(file: SpooledFile, write: (part: Buffer) => Promise<void> | void): Promise<void>;
  /** All of a file; meant for small ones. */
  read(file: SpooledFile): Promise<Buffer>;
}

const gatherBytes = 1024 * 1024;
const copyBytes = 256 * 1024;

/** Gives `work` a spool in `dir` that nobody else sees, and removes it. */
export async function withSpool<T>(dir: string, work: (spool: Spool) => Promise<T>): Promise<T> {
  const file = join(dir, `millrace-spool-${randomUUID()}`);
  const handle = await open(file, 'wx+', 0o600);
  // Without a name it is gone with the process, however that ends.
  await rm(file);
  try {
    return await work(newSpool(handle));
  } finally {
    await handle.close();
  }
}

function newSpool(handle: FileHandle): Spool {
  let parts: Buffer[] = [];
  let gathered = 0;
  const flush = async () => {
    const chunk = Buffer.concat(parts, gathered);
    parts = [];
    gathered = 0;
    await handle.writeFile(chunk);
  };
  const copy: Spool['copy'] = async ({ offset, size }, write) => {
    if (gathered > 0) await flush();
    for (let done = 0; done < size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(copyBytes, size - done));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset + done);
      if (bytesRead === 0) throw new Error('the spool ended early');
      done += bytesRead;
      await write(buffer.subarray(0, bytesRead));
    }
  };
  return {
    async write(part, offset) {
      for (let done = 0; done < part.length; ) {
        const { bytesWritten } = await handle.write(part, done, part.length - done, offset + done);
        done += bytesWritten;
      }
    },
    append(part) {
      parts.push(part);
      gathered += part.length;
      if (gathered >= gatherBytes) return flush();
    },
    copy,
    async read(file) {
      const found: Buffer[] = [];
      await copy(file, (part) => void found.push(part));
      return Buffer.concat(found);
    },
  };
}

export interface SpoolOptions {
  signal: AbortSignal;
  limits?: ArchiveLimits;
  /** The path that an entry has in the result; undefined leaves it out. */
  place?: (entry: FoundEntry) => string | undefined;
}

export interface SpooledArchive {
  entries: ContentEntry[];
  /** How many links, devices and pipes were passed over. */
  skipped: number;
}

/**
 * Unpacks an archive into a spool and returns what it holds, in walk order, with the folders that lead to each file. Of
 * entries with one name the last counts. Throws ARCHIVE_INVALID, ARCHIVE_TOO_LARGE.
 */
export async function spoolArchive(source: Readable, spool: Spool, options: SpoolOptions): Promise<SpooledArchive> {
  const { signal, limits = defaultArchiveLimits, place = ({ path }) => path } = options;
  const found = new Map<string, ContentEntry>();
  let offset = 0;
  const { skipped } = await readArchive(source, { signal, limits }, async (entry, copy) => {
    const path = place(entry);
    if (path === undefined || path === '') return;
    addFolders(found, path);
    const { kind, size } = entry;
    if (kind === 'directory') {
      if (!found.has(path)) found.set(path, { path, kind, from: undefined });
      return;
    }
    if (found.get(path)?.kind === 'directory') throw conflicting(path);
    found.set(path, { path, kind, from: { spool, offset, size } });
    offset += size;
    await copy((part) => spool.append(part));
  });
  return { entries: inWalkOrder([...found.values()]), skipped };
}
