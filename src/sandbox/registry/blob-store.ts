import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RegistryFault } from './fault.ts';

const uploadLifetimeMs = 24 * 3_600_000;

export const digestPattern = /^sha256:[0-9a-f]{64}$/;

/**
 * Content under its digest, in one file each. A blob appears by renaming a finished file, so that there is never half a one;
 * uploads in progress are files too and outlive a restart.
 */
export class BlobStore {
  readonly #blobs: string;
  readonly #uploads: string;

  constructor(dataDir: string) {
    this.#blobs = join(dataDir, 'blobs', 'sha256');
    this.#uploads = join(dataDir, 'uploads');
    mkdirSync(this.#blobs, { recursive: true, mode: 0o700 });
    mkdirSync(this.#uploads, { recursive: true, mode: 0o700 });
  }

  /** Size of a blob in bytes; undefined when it is not here. */
  async size(digest: string): Promise<number | undefined> {
    const found = await stat(this.#path(digest)).catch(ignoreMissing);
    return found?.size;
  }

  read(digest: string): Promise<Buffer> {
    return readFile(this.#path(digest));
  }

  /** Streams bytes `from` to `to`, both included. */
  stream(digest: string, range: { from: number; to: number }): Readable {
    return createReadStream(this.#path(digest), { start: range.from, end: range.to });
  }

  /** Stores a small blob and returns its digest. */
  async put(content: Buffer): Promise<string> {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const file = join(this.#uploads, `put.${randomUUID()}`);
    writeFileSync(file, content, { mode: 0o600 });
    await rename(file, this.#path(digest));
    return digest;
  }

  /** Begins an upload into a repository and returns its id. */
  beginUpload(repository: string): string {
    const id = randomUUID();
    writeFileSync(this.#uploadPath(repository, id), '', { mode: 0o600 });
    return id;
  }

  /** Bytes that an upload has so far. Throws BLOB_UPLOAD_UNKNOWN. */
  async uploadSize(repository: string, id: string): Promise<number> {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw unknownUpload();
    const found = await stat(this.#uploadPath(repository, id)).catch(ignoreMissing);
    if (found === undefined) throw unknownUpload();
    return found.size;
  }

  /** Adds to the end of an upload and returns its new size. */
  async append(repository: string, id: string, content: Readable): Promise<number> {
    await this.uploadSize(repository, id);
    await pipeline(content, createWriteStream(this.#uploadPath(repository, id), { flags: 'a' }));
    return this.uploadSize(repository, id);
  }

  /** Ends an upload: its content becomes the blob `digest`. Throws DIGEST_INVALID, and drops it, when it is another's. */
  async finishUpload(repository: string, id: string, digest: string): Promise<void> {
    await this.uploadSize(repository, id);
    const file = this.#uploadPath(repository, id);
    const actual = `sha256:${await hashFile(file)}`;
    if (actual !== digest) {
      await rm(file, { force: true });
      throw new RegistryFault(400, 'DIGEST_INVALID', `The content has digest ${actual}, not ${digest}`);
    }
    await rename(file, this.#path(digest));
  }

  async cancelUpload(repository: string, id: string): Promise<void> {
    await this.uploadSize(repository, id);
    await rm(this.#uploadPath(repository, id), { force: true });
  }

  /**
   * Removes every blob that `isWanted` does not know, and uploads that nobody has continued for a day. Only safe while
   * nothing is being pushed: at the start.
   */
  sweep(isWanted: (digest: string) => boolean, now: number): void {
    for (const name of readdirSync(this.#uploads)) {
      const file = join(this.#uploads, name);
      if (name.startsWith('put.') || statSync(file).mtimeMs < now - uploadLifetimeMs) rmSync(file, { force: true });
    }
    for (const hex of readdirSync(this.#blobs)) {
      if (!isWanted(`sha256:${hex}`)) rmSync(join(this.#blobs, hex), { force: true });
    }
  }

  #path(digest: string): string {
    // The digest becomes a file name: nothing but a digest may get here.
    if (!digestPattern.test(digest)) throw new RegistryFault(400, 'DIGEST_INVALID', `${digest} is not a sha256 digest`);
    return join(this.#blobs, digest.slice('sha256:'.length));
  }

  /** The repository is part of the name, so that an upload can be continued only where it was begun. */
  #uploadPath(repository: string, id: string): string {
    return join(this.#uploads, `${createHash('sha256').update(repository).digest('hex').slice(0, 16)}.${id}`);
  }
}

function unknownUpload(): RegistryFault {
  return new RegistryFault(404, 'BLOB_UPLOAD_UNKNOWN', 'The upload could not be found. The upload ID may be incorrect');
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
