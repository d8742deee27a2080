/** The data types of the SSH protocol (RFC 4251 §5). Reading past the end throws a RangeError. */
export class SshWireReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#data.length) throw new RangeError('SSH data ends early');
    const part = this.#data.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  string(): Buffer {
    return this.bytes(this.uint32());
  }

  text(): string {
    return this.string().toString('latin1');
  }

  /** A non-negative integer without its leading zero bytes. */
  mpint(): Buffer {
    const data = this.string();
    let start = 0;
    while (start < data.length && data[start] === 0) start++;
    return data.subarray(start);
  }
}

export function wireString(value: string | Buffer): Buffer {
  const data = typeof value === 'string' ? Buffer.from(value) : value;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, data]);
}
