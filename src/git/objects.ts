import { ChunkReader } from '../base/chunk-reader.ts';
import { MillraceError } from '../base/error.ts';
import type { RunningProcess } from './process.ts';
import type { Git } from './program.ts';

export interface ObjectHeader {
  oid: string;
  type: 'commit' | 'tree' | 'blob' | 'tag';
  /** Bytes. */
  size: number;
}

/**
 * Reads objects of one repository through a single `git cat-file --batch`. Requests are answered in order, so one caller
 * at a time may wait; `stream` asks ahead to keep git busy. `close` ends the process.
 */
export class ObjectReader {
  readonly #process: RunningProcess;
  readonly #reader: ChunkReader;

  constructor(git: Git, gitDir: string, signal: AbortSignal) {
    this.#process = git.start(['cat-file', '--batch'], { gitDir, signal });
    this.#reader = new ChunkReader(this.#process.stdout as AsyncIterable<Buffer>);
  }

  /** A whole object in memory. Throws GIT_OBJECT_UNREADABLE where it is missing, a plain Error past `maxBytes`. */
  async read(oid: string, maxBytes = 64 * 1024 * 1024): Promise<{ header: ObjectHeader; data: Buffer }> {
    this.#process.stdin.write(`${oid}\n`);
    const header = await this.#header(oid);
    if (header.size > maxBytes) throw new Error(`object ${oid} has ${header.size} bytes, more than ${maxBytes}`);
    const data = await this.#reader.readExactly(header.size);
    await this.#reader.readExactly(1);
    return { header, data };
  }

  /** Reads many objects in the given order, each in pieces: `visit` gets the header and must `copy` all of it. */
  async stream(
    oids: Iterable<string>,
    visit: (header: ObjectHeader, copy: (write: WritePart) => Promise<void>, index: number) => Promise<void>,
  ): Promise<void> {
    const queue = oids[Symbol.iterator]();
    const asked: string[] = [];
    const askMore = () => {
      const batch: string[] = [];
      for (; asked.length < maxAhead; ) {
        const next = queue.next();
        if (next.done === true) break;
        asked.push(next.value);
        batch.push(`${next.value}\n`);
      }
      if (batch.length > 0) this.#process.stdin.write(batch.join(''));
    };
    askMore();
    for (let index = 0; asked.length > 0; index++) {
      const header = await this.#header(asked.shift() ?? '');
      await visit(header, (write) => this.#reader.copy(header.size, write), index);
      await this.#reader.readExactly(1);
      if (asked.length < maxAhead / 2) askMore();
    }
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    this.#process.kill();
    await this.#process.ended.catch(() => {});
  }

  async #header(oid: string): Promise<ObjectHeader> {
    const line = await this.#reader.readLine();
    if (line === undefined) {
      // An abort's reason comes first; otherwise git said why on standard error.
      const { stderr } = await this.#process.ended;
      throw unreadable(`git cat-file ended early: ${stderr.trim()}`);
    }
    const match = /^([0-9a-f]+) (commit|tree|blob|tag) (\d+)$/.exec(line);
    if (match === null) throw unreadable(`object ${oid} cannot be read: ${line}`);
    return { oid: match[1] ?? oid, type: match[2] as ObjectHeader['type'], size: Number(match[3]) };
  }
}

function unreadable(message: string): MillraceError {
  return new MillraceError('GIT_OBJECT_UNREADABLE', message);
}

export type WritePart = (part: Buffer) => Promise<void> | void;

/** Requests in flight: enough to hide the round trip, few enough that the pipe never fills. */
const maxAhead = 64;

/** Readers of several repositories, one process each, opened when first needed. */
export interface ObjectReaders {
  of(gitDir: string): ObjectReader;
}

/** Opens readers for the time of `work`. */
export async function withReaders<T>(
  git: Git,
  signal: AbortSignal,
  work: (readers: ObjectReaders) => Promise<T>,
): Promise<T> {
  const open = new Map<string, ObjectReader>();
  const readers: ObjectReaders = {
    of(gitDir) {
      let reader = open.get(gitDir);
      if (reader === undefined) {
        reader = new ObjectReader(git, gitDir, signal);
        open.set(gitDir, reader);
      }
      return reader;
    },
  };
  try {
    return await work(readers);
  } finally {
    await Promise.all([...open.values()].map((reader) => reader.close()));
  }
}

/** Opens one repository's reader for the time of `work`. */
export function withObjects<T>(
  git: Git,
  gitDir: string,
  signal: AbortSignal,
  work: (objects: ObjectReader) => Promise<T>,
): Promise<T> {
  return withReaders(git, signal, (readers) => work(readers.of(gitDir)));
}
