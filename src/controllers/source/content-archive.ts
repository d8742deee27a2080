import { MillraceError } from '../../base/error.ts';
import type { ObjectReaders } from '../../git/objects.ts';
import { defaultArchiveLimits } from './archive-reader.ts';
import { type ArchiveSink, type DigestAlgorithm, writeArchive } from './archive-writer.ts';
import type { ContentEntry } from './content.ts';
import { compileIgnoreRules, type IgnoreRules, ignoreFileName } from './ignore-rules.ts';
import type { SpooledFile } from './spool.ts';

export interface WriteOptions {
  /** For content that is in git repositories. */
  readers?: ObjectReaders;
  signal: AbortSignal;
  algorithm: DigestAlgorithm;
  maxBytes?: number;
  /** `spec.ignore`. */
  ignore?: string | undefined;
  /** The entries are what is left after all rules: nothing more is excluded. */
  isFiltered?: boolean;
}

/**
 * Writes the archive of a tree, without what the ignore rules exclude. Nothing is checked out on the way: git hands the
 * bytes over in walk order. Throws ARCHIVE_TOO_LARGE, also for more entries than a reader of ours takes.
 */
export async function writeContentArchive(
  file: string,
  entries: readonly ContentEntry[],
  options: WriteOptions,
): Promise<{ digest: string; size: number }> {
  const { readers, maxBytes, ...rest } = options;
  const kept = options.isFiltered === true ? entries : await withoutIgnored(entries, options);
  const { maxEntries } = defaultArchiveLimits;
  if (kept.length > maxEntries) {
    throw new MillraceError('ARCHIVE_TOO_LARGE', `the content has ${kept.length} entries, more than ${maxEntries}`, {
      hint: 'Leave out what is not needed (.sourceignore, spec.ignore, spec.sparseCheckout).',
    });
  }
  const limits = maxBytes === undefined ? {} : { maxBytes };
  return writeArchive(file, { ...rest, ...limits }, async (sink) => {
    for (const segment of segmentsOf(kept)) await addSegment(sink, segment, readers);
  });
}

/** Neighbours whose bytes come from one repository; folders belong to whatever follows. */
interface Segment {
  gitDir: string | undefined;
  entries: ContentEntry[];
}

function segmentsOf(entries: readonly ContentEntry[]): Segment[] {
  const segments: Segment[] = [];
  for (const entry of entries) {
    const { from } = entry;
    const gitDir = from !== undefined && 'gitDir' in from ? from.gitDir : undefined;
    const current = segments.at(-1);
    if (current === undefined || (from !== undefined && current.gitDir !== gitDir && current.gitDir !== undefined)) {
      segments.push({ gitDir, entries: [entry] });
      continue;
    }
    current.entries.push(entry);
    if (gitDir !== undefined) current.gitDir = gitDir;
  }
  return segments;
}

async function addSegment(
  sink: ArchiveSink,
  { gitDir, entries }: Segment,
  readers: ObjectReaders | undefined,
): Promise<void> {
  let next = 0;
  /** Adds folders and unpacked files up to the next entry that git has. */
  const addPlain = async () => {
    for (let entry = entries[next]; entry !== undefined; entry = entries[++next]) {
      const { from } = entry;
      if (from === undefined) await sink.add({ ...placeOf(entry), size: 0 });
      else if ('spool' in from) await addSpooled(sink, entry, from);
      else return;
    }
  };
  await addPlain();
  if (gitDir === undefined) return;
  const oids = entries.flatMap(({ from }) => (from !== undefined && 'oid' in from ? [from.oid] : []));
  await readersFor(readers)
    .of(gitDir)
    .stream(oids, async ({ size }, copy) => {
      const entry = entries[next++];
      if (entry === undefined) throw new Error('more objects than entries');
      await sink.add({ ...placeOf(entry), size }, copy);
      if (size === 0) await copy(() => {});
      await addPlain();
    });
}

function addSpooled(sink: ArchiveSink, entry: ContentEntry, from: SpooledFile): Promise<void> {
  return sink.add({ ...placeOf(entry), size: from.size }, (write) => from.spool.copy(from, write));
}

function readersFor(readers: ObjectReaders | undefined): ObjectReaders {
  if (readers === undefined) throw new Error('content of a git repository without readers');
  return readers;
}

function placeOf({ path, rawPath, kind }: ContentEntry) {
  return { path, kind, ...(rawPath === undefined ? {} : { rawPath }) };
}

const maxIgnoreBytes = 1024 * 1024;

async function withoutIgnored(entries: readonly ContentEntry[], options: WriteOptions): Promise<ContentEntry[]> {
  const isIgnored = await loadIgnoreRules(entries, options);
  return entries.filter(({ path, kind }) => !isIgnored(path, kind === 'directory'));
}

async function loadIgnoreRules(
  entries: readonly ContentEntry[],
  { readers, ignore }: Pick<WriteOptions, 'readers' | 'ignore'>,
): Promise<IgnoreRules> {
  const files: { path: string; text: string }[] = [];
  for (const { path, kind, from } of entries) {
    if (kind === 'directory' || from === undefined) continue;
    if (path !== ignoreFileName && !path.endsWith(`/${ignoreFileName}`)) continue;
    const data = await readIgnoreFile(from, readers);
    files.push({ path, text: data.toString('utf8') });
  }
  return compileIgnoreRules({ files, spec: ignore });
}

async function readIgnoreFile(from: NonNullable<ContentEntry['from']>, readers: ObjectReaders | undefined) {
  if ('spool' in from) return from.size > maxIgnoreBytes ? Buffer.alloc(0) : from.spool.read(from);
  return (await readersFor(readers).of(from.gitDir).read(from.oid, maxIgnoreBytes)).data;
}
