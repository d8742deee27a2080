/** Reads lines and exact lengths from a byte stream, without keeping more than the stream hands over at a time. */
export class ChunkReader {
  readonly #source: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next line without its line end; undefined when the stream is over. */
  async readLine(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#buffer.toString('utf8', 0, end);
        this.#buffer = this.#buffer.subarray(end + 1);
        return line;
      }
      if (!(await this.#fill(true))) return undefined;
    }
  }

  /** Exactly `length` bytes. Throws a plain Error where the stream ends before. */
  async readExactly(length: number): Promise<Buffer> {
    if (this.#buffer.length >= length) return this.#take(length);
    const parts: Buffer[] = [];
    await this.copy(length, (part) => void parts.push(part));
    return Buffer.concat(parts, length);
  }

  /** Hands `length` bytes over in pieces, waiting for each to be taken. */
  async copy(length: number, write: (part: Buffer) => Promise<void> | void): Promise<void> {
    for (let left = length; left > 0; ) {
      if (this.#buffer.length === 0 && !(await this.#fill(false))) throw new Error('the stream ended early');
      const part = this.#take(Math.min(left, this.#buffer.length));
      left -= part.length;
      const written = write(part);
      if (written !== undefined) await written;
    }
  }

  /** Reads to the end of the stream. Throws a plain Error where that is more than `maxBytes`. */
  async drain(maxBytes: number): Promise<void> {
    let length = this.#buffer.length;
    this.#buffer = Buffer.alloc(0);
    for (let next = await this.#source.next(); next.done !== true; next = await this.#source.next()) {
      length += next.value.length;
      if (length > maxBytes) throw new Error('more data than expected');
    }
  }

  #take(length: number): Buffer {
    const part = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return part;
  }

  async #fill(append: boolean): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) return false;
    this.#buffer = append && this.#buffer.length > 0 ? Buffer.concat([this.#buffer, next.value]) : next.value;
    return true;
  }
}
