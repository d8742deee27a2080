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
