import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * A map that survives its process, even one that is killed: every change is one line appended to a file before the call
 * returns, and a last line that was cut short by a kill is dropped when the file is read again. Values are JSON; they are
 * handed out as they are held, so a caller changes one by setting a new value, never in place.
 */
export class PersistentMap<V> {
  readonly #file: string;
  readonly #entries = new Map<string, V>();
  #lines = 0;
  #descriptor: number;

  /** Opens or creates the file, with its folder. Only the owner may read it, since some values are secret. */
  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const intact = this.#load();
    this.#descriptor = openSync(file, 'a', 0o600);
    if (!intact || this.#isWasteful()) this.#compact();
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  values(): IterableIterator<V> {
    return this.#entries.values();
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries();
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value);
    this.#append([key, value]);
  }

  /** True when there was something to delete. */
  delete(key: string): boolean {
    if (!this.#entries.delete(key)) return false;
    this.#append([key]);
    return true;
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Reads the file; false when its last line is torn. */
  #load(): boolean {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
      throw error;
    }
    const lines = text.split('\n');
    const torn = lines.pop() !== '';
    for (const line of lines) {
      const [key, ...value] = JSON.parse(line) as [string, V?];
      if (value.length === 0) this.#entries.delete(key);
      else this.#entries.set(key, value[0] as V);
    }
    this.#lines = lines.length;
    return !torn;
  }

  #append(entry: [string, V] | [string]): void {
    if (this.#descriptor < 0) throw new Error(`${this.#file} is closed`);
    writeSync(this.#descriptor, `${JSON.stringify(entry)}\n`);
    this.#lines += 1;
    if (this.#isWasteful()) this.#compact();
  }

  /** Whether most lines of the file say what is no longer so. */
  #isWasteful(): boolean {
    return this.#lines > 1000 + 4 * this.#entries.size;
  }

  #compact(): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, [...this.#entries].map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 });
    renameSync(next, this.#file);
    closeSync(this.#descriptor);
    this.#descriptor = openSync(this.#file, 'a', 0o600);
    this.#lines = this.#entries.size;
  }
}
