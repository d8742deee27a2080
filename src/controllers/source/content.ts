import { MillraceError } from '../../base/error.ts';
import { compareBytes } from '../../base/text.ts';
import type { SpooledFile } from './spool.ts';
import type { ArchiveEntry } from './tar-header.ts';

/** One entry of the tree that becomes an artifact. */
export interface ContentEntry {
  path: string;
  rawPath?: Buffer;
  kind: ArchiveEntry['kind'];
  /** Where its bytes are: an object of a git repository, or unpacked from another archive. Folders have none. */
  from: GitObject | SpooledFile | undefined;
}

export interface GitObject {
  gitDir: string;
  oid: string;
}

/** Directories before their content, the names of each in byte order. */
export function inWalkOrder(entries: readonly ContentEntry[]): ContentEntry[] {
  // A slash sorts before every character that a name can hold.
  const keyed = entries.map((entry) => ({ entry, key: entry.path.replaceAll('/', '\0') }));
  return keyed.sort((a, b) => compareBytes(a.key, b.key)).map(({ entry }) => entry);
}

/** Adds the folders that lead to a path. Throws ARCHIVE_INVALID where one of them is a file. */
export function addFolders(found: Map<string, ContentEntry>, path: string): void {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const folder = path.slice(0, slash);
    const known = found.get(folder);
    if (known === undefined) found.set(folder, { path: folder, kind: 'directory', from: undefined });
    else if (known.kind !== 'directory') throw conflicting(folder);
    else return;
  }
}

export function conflicting(path: string): MillraceError {
  return new MillraceError('ARCHIVE_INVALID', `the archive holds '${path}' as a file and as a folder`);
}
