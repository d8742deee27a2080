import type { ObjectReader } from './objects.ts';

export type TreeEntryKind = 'file' | 'executable' | 'symlink' | 'directory' | 'submodule';

export interface TreeEntry {
  /** Path from the root, with `/`. */
  path: string;
  /** The path's bytes, where they are not UTF-8. */
  rawPath?: Buffer;
  kind: TreeEntryKind;
  oid: string;
}

export interface TreeLimits {
  /** More entries than this fail the reading. Default 2,000,000. */
  maxEntries?: number;
}

/**
 * Every entry below a tree, directories before their content, names of a directory in byte order: the order of a file
 * walk. Entries that could leave the tree or reach into git's own folder (`.`, `..`, `.git`, a name with a slash) cannot
 * be made by git itself and fail the reading.
 */
export async function readTree(objects: ObjectReader, rootTree: string, limits: TreeLimits = {}): Promise<TreeEntry[]> {
  const maxEntries = limits.maxEntries ?? 2_000_000;
  const children = new Map<string, TreeEntry[]>();
  let level: { path: string; raw: Buffer; oid: string }[] = [{ path: '', raw: Buffer.alloc(0), oid: rootTree }];
  let count = 0;
  while (level.length > 0) {
    const asked = level;
    level = [];
    await objects.stream(
      asked.map(({ oid }) => oid),
      async (header, copy, index) => {
        if (header.type !== 'tree') throw new Error(`object ${header.oid} is a ${header.type}, not a tree`);
        const parts: Buffer[] = [];
        await copy((part) => void parts.push(part));
        const parent = asked[index];
        if (parent === undefined) throw new Error('more trees than were asked for');
        const entries = parseTree(Buffer.concat(parts), parent);
        count += entries.length;
        if (count > maxEntries) throw new Error(`the tree has more than ${maxEntries} entries`);
        children.set(parent.path, entries);
        for (const entry of entries) {
          if (entry.kind === 'directory') {
            level.push({ path: entry.path, raw: entry.rawPath ?? Buffer.from(entry.path), oid: entry.oid });
          }
        }
      },
    );
  }
  return inWalkOrder(children);
}

function inWalkOrder(children: Map<string, TreeEntry[]>): TreeEntry[] {
  const ordered: TreeEntry[] = [];
  const pending = [...(children.get('') ?? [])].reverse();
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    ordered.push(entry);
    if (entry.kind === 'directory') pending.push(...(children.get(entry.path) ?? []).slice().reverse());
  }
  return ordered;
}

const kinds: Record<string, TreeEntryKind> = {
  '40000': 'directory',
  '040000': 'directory',
  '120000': 'symlink',
  '160000': 'submodule',
};

/** `<mode> <name>\0<hash>` one after the other; all hashes of a repository have the same length. */
function parseTree(data: Buffer, parent: { path: string; raw: Buffer; oid: string }): TreeEntry[] {
  const hashBytes = parent.oid.length / 2;
  const found: { name: Buffer; entry: TreeEntry }[] = [];
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const end = data.indexOf(0, space);
    if (space < 0 || end < 0 || end + 1 + hashBytes > data.length) throw new Error(`tree ${parent.oid} is damaged`);
    const mode = data.toString('latin1', at, space);
    const name = data.subarray(space + 1, end);
    const oid = data.toString('hex', end + 1, end + 1 + hashBytes);
    found.push({ name, entry: { ...joinPath(parent, name), kind: kinds[mode] ?? fileKind(mode), oid } });
    at = end + 1 + hashBytes;
  }
  // Git sorts directories as if they ended in a slash; a walk sorts by the bare name.
  return found.sort((a, b) => Buffer.compare(a.name, b.name)).map(({ entry }) => entry);
}

function fileKind(mode: string): TreeEntryKind {
  if (!mode.startsWith('100')) throw new Error(`tree entry with unknown mode ${mode}`);
  return (Number.parseInt(mode, 8) & 0o111) !== 0 ? 'executable' : 'file';
}

function joinPath(parent: { path: string; raw: Buffer }, name: Buffer): { path: string; rawPath?: Buffer } {
  const text = name.toString('utf8');
  if (text === '' || text === '.' || text === '..' || text.includes('/') || text.toLowerCase() === '.git') {
    throw new Error(`tree entry with the forbidden name '${text}'`);
  }
  const path = parent.path === '' ? text : `${parent.path}/${text}`;
  const raw = parent.raw.length === 0 ? name : Buffer.concat([parent.raw, Buffer.from('/'), name]);
  return Buffer.from(path).equals(raw) ? { path } : { path, rawPath: raw };
}
