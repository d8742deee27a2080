import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ChunkReader } from '../../base/chunk-reader.ts';
import { errorMessage, isMillraceError, MillraceError } from '../../base/error.ts';
import { blockSize, padding } from './tar-header.ts';

export interface ArchiveLimits {
  /** Bytes of all files together, unpacked. */
  maxBytes: number;
  maxEntries: number;
}

export const defaultArchiveLimits: ArchiveLimits = { maxBytes: 4 * 1024 ** 3, maxEntries: 1_000_000 };

export interface FoundEntry {
  path: string;
  kind: 'directory' | 'file' | 'executable';
  size: number;
}

export interface ReadArchiveOptions {
  signal: AbortSignal;
  limits?: ArchiveLimits;
}

export type CopyContent = (write: (part: Buffer) => Promise<void> | void) => Promise<void>;

/**
 * Goes through a gzipped tar stream: calls `visit` with each directory and file, in the archive's order. Links, devices and
 * pipes are skipped and counted; a name that is absolute, holds `..` or a backslash, a damaged archive, or one past the
 * limits throws ARCHIVE_INVALID or ARCHIVE_TOO_LARGE. Content that `visit` does not copy is passed over.
 */
export async function readArchive(
  source: Readable,
  { signal, limits = defaultArchiveLimits }: ReadArchiveOptions,
  visit: (entry: FoundEntry, copy: CopyContent) => Promise<void>,
): Promise<{ skipped: number }> {
  const gunzip = createGunzip();
  const abort = () => gunzip.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    signal.throwIfAborted();
    return await readTar(new ChunkReader(gunzip), limits, visit);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const damaged = error instanceof Error && /^Z_|^ERR_/.test((error as NodeJS.ErrnoException).code ?? '');
    throw damaged || isEarlyEnd(error) ? invalid(`the archive is damaged: ${(error as Error).message}`, error) : error;
  } finally {
    signal.removeEventListener('abort', abort);
    source.unpipe(gunzip);
    source.destroy();
    gunzip.destroy();
  }
}

/** All files of an archive on disk, in memory. Meant for the small trees that manifests are. */
export async function readArchiveFiles(file: string, options: ReadArchiveOptions): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  await readArchive(createReadStream(file), options, async (entry, copy) => {
    if (entry.kind === 'directory') return;
    const parts: Buffer[] = [];
    await copy((part) => void parts.push(part));
    files.set(entry.path, Buffer.concat(parts));
  });
  return files;
}

async function readTar(
  reader: ChunkReader,
  limits: ArchiveLimits,
  visit: (entry: FoundEntry, copy: CopyContent) => Promise<void>,
): Promise<{ skipped: number }> {
  let bytes = 0;
  let count = 0;
  let skipped = 0;
  let pending: PendingNames = {};
  for (;;) {
    const block = await reader.readExactly(blockSize);
    if (block.every((byte) => byte === 0)) {
      // Whoever checks the source's digest does so at its end.
      await reader.drain(maxPaddingBytes).catch((error: unknown) => {
        throw isMillraceError(error) ? error : invalid(`the archive is damaged: ${errorMessage(error)}`, error);
      });
      return { skipped };
    }
    const header = parseHeader(block);
    const size = pending.size ?? header.size;
    if (isMeta(header.type)) {
      pending = { ...pending, ...(await readMeta(reader, header)) };
      continue;
    }
    const name = pending.path ?? header.name;
    pending = {};
    const kind = kindOf(header);
    if (++count > limits.maxEntries) throw tooLarge(`it has more than ${limits.maxEntries} entries`);
    if (kind === undefined) {
      skipped++;
      await skip(reader, size);
      continue;
    }
    const path = cleanPath(name);
    bytes += size;
    if (bytes > limits.maxBytes) throw tooLarge(`it unpacks to more than ${limits.maxBytes} bytes`);
    if (path !== '') {
      let taken = false;
      await visit({ path, kind, size }, (write) => {
        taken = true;
        return reader.copy(size, write);
      });
      if (taken) await reader.readExactly(padding(size));
      else await skip(reader, size);
    } else await skip(reader, size);
  }
}

/** Archives end in zeros up to the block size of a tape: a megabyte at the very most. */
const maxPaddingBytes = 1024 * 1024;

interface Header {
  name: string;
  size: number;
  mode: number;
  type: string;
}

function parseHeader(block: Buffer): Header {
  let sum = 8 * 0x20;
  for (let i = 0; i < blockSize; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  if (sum !== parseNumber(block, 148, 8)) throw invalid('the archive is damaged: wrong checksum of a header');
  const name = cString(block, 0, 100);
  const hasPrefix = block.toString('latin1', 257, 262) === 'ustar' && block[345] !== 0;
  return {
    name: hasPrefix ? `${cString(block, 345, 155)}/${name}` : name,
    mode: parseNumber(block, 100, 8),
    size: parseNumber(block, 124, 12),
    type: String.fromCharCode(block[156] ?? 0),
  };
}

function kindOf({ type, mode, name }: Header): FoundEntry['kind'] | undefined {
  if (type === '5' || ((type === '0' || type === '\0') && name.endsWith('/'))) return 'directory';
  if (type !== '0' && type !== '\0' && type !== '7') return undefined;
  return (mode & 0o111) !== 0 ? 'executable' : 'file';
}

function isMeta(type: string): boolean {
  return type === 'x' || type === 'g' || type === 'L' || type === 'K';
}

interface PendingNames {
  path?: string;
  size?: number;
}

const maxMetaBytes = 1024 * 1024;

/** PAX records and GNU's long names; what else they say (times, owners, link targets) does not matter here. */
async function readMeta(reader: ChunkReader, { type, size }: Header): Promise<PendingNames> {
  if (size > maxMetaBytes) throw invalid('the archive is damaged: a name longer than a megabyte');
  const data = await reader.readExactly(size);
  await reader.readExactly(padding(size));
  if (type === 'L') return { path: cString(data, 0, data.length) };
  if (type !== 'x') return {};
  const found: PendingNames = {};
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const length = Number(data.toString('latin1', at, space));
    if (space < 0 || !(length > 0) || at + length > data.length) throw invalid('the archive is damaged: PAX record');
    const record = data.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (record.slice(0, equals) === 'path') found.path = record.slice(equals + 1);
    if (record.slice(0, equals) === 'size') found.size = Number(record.slice(equals + 1));
    at += length;
  }
  if (found.size !== undefined && !(found.size >= 0)) throw invalid('the archive is damaged: size');
  return found;
}

/** Octal text, or GNU's big-endian binary for large numbers. */
function parseNumber(block: Buffer, at: number, width: number): number {
  if (((block[at] ?? 0) & 0x80) !== 0) return Number(block.readBigUInt64BE(at + width - 8));
  const text = cString(block, at, width).trim();
  if (!/^[0-7]*$/.test(text)) throw invalid('the archive is damaged: number');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function cString(data: Buffer, at: number, width: number): string {
  const end = data.indexOf(0, at);
  return data.toString('utf8', at, end < 0 || end > at + width ? at + width : end);
}

/** A path below the root, without `./` and trailing slashes; '' for the root itself. */
function cleanPath(name: string): string {
  if (name.startsWith('/') || name.includes('\\') || name.includes('\0') || /^[A-Za-z]:/.test(name)) {
    throw invalid(`the archive holds the forbidden name '${name}'`);
  }
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw invalid(`the archive holds the forbidden name '${name}'`);
  return parts.join('/');
}

async function skip(reader: ChunkReader, size: number): Promise<void> {
  await reader.copy(size, () => {});
  await reader.readExactly(padding(size));
}

function isEarlyEnd(error: unknown): boolean {
  return error instanceof Error && /ended early|unexpected end/.test(error.message);
}

function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('ARCHIVE_INVALID', message, { cause });
}

function tooLarge(message: string): MillraceError {
  return new MillraceError('ARCHIVE_TOO_LARGE', `the archive is too large: ${message}`);
}
