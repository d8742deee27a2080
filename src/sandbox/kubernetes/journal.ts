import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../base/kube-object.ts';

/** One write of the store: the object as it is now, or that it is gone. */
export type JournalEntry =
  | { key: string; object: KubeObject }
  | { key: string; deleted: true; resourceVersion: number };

/**
 * Keeps every write in a file before it is acknowledged: a process that is killed loses nothing, because what has been
 * written belongs to the operating system. At the start the file is read, what a kill cut off at its end is dropped, and the
 * rest is written anew without what has been replaced.
 */
export class Journal {
  readonly #file: number;

  private constructor(file: number) {
    this.#file = file;
  }

  static open(folder: string): { journal: Journal; objects: Map<string, KubeObject>; resourceVersion: number } {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, 'objects.jsonl');
    const { objects, resourceVersion } = read(path);
    const compacted = `${path}.new`;
    const lines = [...objects].map(([key, object]) => `${JSON.stringify({ key, object })}\n`);
    const last = `${JSON.stringify({ key: '', deleted: true, resourceVersion })}\n`;
    writeFileSync(compacted, [...lines, last].join(''), { mode: 0o600 });
    renameSync(compacted, path);
    return { journal: new Journal(openSync(path, 'a', 0o600)), objects, resourceVersion };
  }

  append(entry: JournalEntry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function read(path: string): { objects: Map<string, KubeObject>; resourceVersion: number } {
  const objects = new Map<string, KubeObject>();
  let resourceVersion = 0;
  for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    const entry = parseLine(line);
    if (entry === undefined) continue;
    if ('deleted' in entry) {
      objects.delete(entry.key);
      resourceVersion = Math.max(resourceVersion, entry.resourceVersion);
    } else {
      objects.set(entry.key, entry.object);
      resourceVersion = Math.max(resourceVersion, Number(entry.object.metadata.resourceVersion));
    }
  }
  return { objects, resourceVersion };
}

function parseLine(line: string): JournalEntry | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as JournalEntry);
  } catch {
    return undefined; // The last line of a process that was killed while writing.
  }
}
