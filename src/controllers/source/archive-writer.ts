import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { MillraceError } from '../../base/error.ts';
import { type ArchiveEntry, blockSize, padding, tarHeader } from './tar-header.ts';

export type DigestAlgorithm = 'sha256' | 'sha384' | 'sha512';

export interface WriteArchiveOptions {
  signal: AbortSignal;
  algorithm: DigestAlgorithm;
  /** Content may not be larger than this, before compression. */
  maxBytes?: number;
}

/** Takes entries in walk order. */
export interface ArchiveSink {
  add(entry: ArchiveEntry, copy?: (write: (part: Buffer) => Promise<void> | void) => Promise<void>): Promise<void>;
}

/** Measured on manifests: a quarter of level 6's time for an eighth more bytes. */
const compressionLevel = 4;

/** Small writes would each be a job of the compression thread: they are gathered up to this size. */
const gatherBytes = 256 * 1024;

/**
 * Writes a gzipped tar file in one pass with constant memory, and returns the digest and length of the file. Equal
 * entries give equal bytes: no times, owners or names of users are in it.
 */
export async function writeArchive(
  file: string,
  { signal, algorithm, maxBytes = Number.POSITIVE_INFINITY }: WriteArchiveOptions,
  produce: (sink: ArchiveSink) => Promise<void>,
): Promise<{ digest: string; size: number }> {
  const hash = createHash(algorithm);
  let size = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      // The header's byte for the operating system: unknown, on every machine.
      if (size === 0 && chunk.length > 9) chunk[9] = 0xff;
      size += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const gzip = createGzip({ level: compressionLevel, chunkSize: 128 * 1024 });
  const written = pipeline(gzip, meter, createWriteStream(file, { mode: 0o600 }), { signal });
  // Reported through the sink or the final await, whichever comes first.
  written.catch(() => {});
  try {
    const gather = newGatherer(gzip, written);
    await produce(newSink(gather.write, maxBytes));
    await gather.write(Buffer.alloc(2 * blockSize));
    await gather.end();
    await written;
  } catch (error) {
    gzip.destroy();
    await written.catch(() => {});
    throw signal.aborted ? signal.reason : error;
  }
  return { digest: `${algorithm}:${hash.digest('hex')}`, size };
}

function newSink(write: (part: Buffer) => Promise<void> | void, maxBytes: number): ArchiveSink {
  let total = 0;
  return {
    async add(entry, copy) {
      total += entry.size;
      if (total > maxBytes) {
        throw new MillraceError('ARCHIVE_TOO_LARGE', `the content is larger than ${maxBytes} bytes`, {
          hint: 'Leave out what is not needed (.sourceignore, spec.ignore, spec.sparseCheckout), or raise the limit.',
        });
      }
      await write(tarHeader(entry));
      if (copy === undefined || entry.size === 0) return;
      let left = entry.size;
      await copy((part) => {
        left -= part.length;
        return write(part);
      });
      if (left !== 0) throw new Error(`${entry.path}: ${entry.size - left} bytes came instead of ${entry.size}`);
      const fill = padding(entry.size);
      if (fill > 0) await write(Buffer.alloc(fill));
    },
  };
}

function newGatherer(target: NodeJS.WritableStream, failure: Promise<void>) {
  let parts: Buffer[] = [];
  let length = 0;
  const flush = async () => {
    const chunk = Buffer.concat(parts, length);
    parts = [];
    length = 0;
    if (target.write(chunk)) return;
    await Promise.race([new Promise((resolve) => target.once('drain', resolve)), failure]);
  };
  return {
    write(part: Buffer): Promise<void> | void {
      parts.push(part);
      length += part.length;
      if (length >= gatherBytes) return flush();
    },
    async end() {
      if (length > 0) await flush();
      target.end();
    },
  };
}
