import { closeSync, createReadStream, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../../base/kube-object.ts';

/** One write, as it stands in the journal. */
export type JournalRecord =
  | { op: 'put'; resource: string; object: KubeObject }
  | { op: 'remove'; resource: string; namespace: string; name: string; revision: number }
  | { op: 'revision'; revision: number };

/**
 * An append-only log of writes with snapshots, in a folder. A record is in the operating system's hands when `append`
 * returns, so a process that is killed loses nothing that it acknowledged. Generation N is the snapshot `N.snapshot` (a log
 * that stands for everything before it) and the log `N.log`; each start begins a new generation, so a torn last line can only
 * be the end of a file.
 */
export interface Journal {
  append(record: JournalRecord): void;
  /** Bytes appended since the last snapshot. */
  size(): number;
  /** Begins a new generation and writes `records` as its snapshot in the background; older files go when it is complete. */
  compact(records: Iterable<JournalRecord>): Promise<void>;
  close(): Promise<void>;
}

const fileName = /^(\d+)\.(snapshot|log)$/;

/** Reads the journal of a folder, handing every record that counts to `replay`, and opens it for writing. */
export async function openJournal(dir: string, replay: (record: JournalRecord) => void): Promise<Journal> {
  mkdirSync(dir, { recursive: true });
  const files = readdirSync(dir).flatMap((name) => {
    const match = fileName.exec(name);
    return match === null ? [] : [{ name, generation: Number(match[1]), kind: match[2] }];
  });
  const snapshots = files.filter(({ kind }) => kind === 'snapshot').map(({ generation }) => generation);
  const base = Math.max(0, ...snapshots);
  const logs = files
    .filter(({ kind, generation }) => kind === 'log' && generation >= base)
    .sort((a, b) => a.generation - b.generation);
  if (snapshots.length > 0) await readRecords(join(dir, `${base}.snapshot`), replay);
  for (const { name } of logs) await readRecords(join(dir, name), replay);

  let generation = Math.max(0, ...files.map((file) => file.generation)) + 1;
  let log = openSync(join(dir, `${generation}.log`), 'a');
  let bytes = 0;
  let closed = false;
  let compacting: Promise<void> = Promise.resolve();

  const writeSnapshot = async (number: number, records: Iterable<JournalRecord>): Promise<void> => {
    const target = join(dir, `${number}.snapshot`);
    const partial = `${target}.partial`;
    const file = await open(partial, 'w');
    try {
      let chunk: string[] = [];
      for (const record of records) {
        chunk.push(JSON.stringify(record));
        if (chunk.length < 500) continue;
        // In portions, so that requests are answered meanwhile.
        await file.write(`${chunk.join('\n')}\n`);
        chunk = [];
        if (closed) return;
      }
      if (chunk.length > 0) await file.write(`${chunk.join('\n')}\n`);
    } finally {
      await file.close();
    }
    renameSync(partial, target);
    for (const name of readdirSync(dir)) {
      if (Number(fileName.exec(name)?.[1] ?? Number.POSITIVE_INFINITY) < number)
        rmSync(join(dir, name), { force: true });
    }
  };

  return {
    append(record) {
      const line = Buffer.from(`${JSON.stringify(record)}\n`);
      for (let written = 0; written < line.length; ) written += writeSync(log, line, written);
      bytes += line.length;
    },
    size: () => bytes,
    compact(records) {
      generation++;
      closeSync(log);
      log = openSync(join(dir, `${generation}.log`), 'a');
      bytes = 0;
      const number = generation;
      compacting = compacting.then(() => writeSnapshot(number, records));
      return compacting;
    },
    async close() {
      if (closed) return;
      closed = true;
      await compacting.catch(() => undefined);
      closeSync(log);
    },
  };
}

async function readRecords(path: string, replay: (record: JournalRecord) => void): Promise<void> {
  let pending: string | undefined;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (pending !== undefined) replay(JSON.parse(pending) as JournalRecord);
    pending = line;
  }
  if (pending === undefined) return;
  let last: JournalRecord;
  try {
    last = JSON.parse(pending) as JournalRecord;
  } catch {
    // Cut off while it was written: it was never acknowledged.
    return;
  }
  replay(last);
}
