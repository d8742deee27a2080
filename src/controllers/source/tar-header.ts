/** What an archive of ours holds: path, kind and bytes decide its content, nothing else (spec/source.md §2.8). */
export interface ArchiveEntry {
  /** Relative to the root, with `/`. */
  path: string;
  /** The path's bytes, where they are not UTF-8. */
  rawPath?: Buffer;
  kind: 'directory' | 'file' | 'executable';
  /** Bytes of content; 0 for directories. */
  size: number;
}

export const blockSize = 512;
const modes = { directory: 0o750, executable: 0o700, file: 0o600 } as const;
const largestOctalSize = 0o77777777777;

/** Header blocks of an entry: POSIX ustar, with a PAX record before it for what ustar cannot say. */
export function tarHeader(entry: ArchiveEntry): Buffer {
  const name = entry.rawPath ?? Buffer.from(entry.path, 'utf8');
  const full = entry.kind === 'directory' ? Buffer.concat([name, Buffer.from('/')]) : name;
  const split = splitName(full);
  const records: [string, Buffer][] = [];
  if (split === undefined) records.push(['path', full]);
  if (entry.size > largestOctalSize) records.push(['size', Buffer.from(String(entry.size))]);
  const type = entry.kind === 'directory' ? '5' : '0';
  const header = newHeader({
    name: split?.name ?? printable(full),
    prefix: split?.prefix ?? Buffer.alloc(0),
    mode: modes[entry.kind],
    size: entry.size > largestOctalSize ? 0 : entry.size,
    type,
  });
  if (records.length === 0) return header;
  const body = paxRecords(records);
  const pax = newHeader({
    name: Buffer.from('PaxHeaders.0/entry'),
    prefix: Buffer.alloc(0),
    mode: modes.file,
    size: body.length,
    type: 'x',
  });
  return Buffer.concat([pax, body, Buffer.alloc(padding(body.length)), header]);
}

/** Zero bytes that fill the last block of a content of this length. */
export function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

interface HeaderFields {
  name: Buffer;
  prefix: Buffer;
  mode: number;
  size: number;
  type: string;
}

function newHeader({ name, prefix, mode, size, type }: HeaderFields): Buffer {
  const block = Buffer.alloc(blockSize);
  name.copy(block, 0, 0, 100);
  octal(block, 100, 8, mode);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, size);
  octal(block, 136, 12, 0);
  block.fill(0x20, 148, 156);
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, 0);
  octal(block, 337, 8, 0);
  prefix.copy(block, 345, 0, 155);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}

/** The name as ustar holds it (100 bytes, or 155 more before a slash); undefined where it does not fit or is not ASCII. */
function splitName(name: Buffer): { name: Buffer; prefix: Buffer } | undefined {
  for (const byte of name) if (byte >= 0x80 || byte === 0) return undefined;
  if (name.length <= 100) return { name, prefix: Buffer.alloc(0) };
  for (let slash = name.indexOf(0x2f, name.length - 101); slash > 0; slash = name.indexOf(0x2f, slash + 1)) {
    const rest = name.length - slash - 1;
    if (slash > 155 || rest === 0) return undefined;
    if (rest <= 100) return { name: name.subarray(slash + 1), prefix: name.subarray(0, slash) };
  }
  return undefined;
}

/** For readers that know no PAX. */
function printable(name: Buffer): Buffer {
  return Buffer.from(name.subarray(0, 100).map((byte) => (byte >= 0x80 || byte < 0x20 ? 0x5f : byte)));
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecords(records: readonly [string, Buffer][]): Buffer {
  return Buffer.concat(
    records.flatMap(([key, value]) => {
      const rest = key.length + value.length + 3;
      let length = rest + String(rest).length;
      if (String(length).length > String(rest).length) length = rest + String(length).length;
      return [Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')];
    }),
  );
}
