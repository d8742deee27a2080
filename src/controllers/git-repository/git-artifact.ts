import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ObjectReaders } from '../../git/objects.ts';
import { type ArchiveSink, type DigestAlgorithm, writeArchive } from '../source/archive-writer.ts';
import { compileIgnoreRules, type IgnoreRules, ignoreFileName } from '../source/ignore-rules.ts';
import type { ContentEntry } from './git-content.ts';

export interface WriteOptions {
  readers: ObjectReaders;
  signal: AbortSignal;
  algorithm: DigestAlgorithm;
  maxBytes?: number;
  /** `spec.ignore`. */
  ignore?: string | undefined;
}

/** Writes the archive of a tree without checking it out: git hands the bytes over in walk order. */
export async function writeGitArchive(
  file: string,
  entries: readonly ContentEntry[],
  options: WriteOptions,
): Promise<{ digest: string; size: number }> {
  const { readers, maxBytes, ...rest } = options;
  const isIgnored = await loadIgnoreRules(entries, options);
  const kept = entries.filter(({ path, kind }) => !isIgnored(path, kind === 'directory'));
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

async function addSegment(sink: ArchiveSink, { gitDir, entries }: Segment, readers: ObjectReaders): Promise<void> {
  let next = 0;
  /** Adds folders and files on disk up to the next entry that git has. */
  const addPlain = async () => {
    for (let entry = entries[next]; entry !== undefined; entry = entries[++next]) {
      const { from } = entry;
      if (from === undefined) await sink.add({ ...placeOf(entry), size: 0 });
      else if ('file' in from) await addFile(sink, entry, from);
      else return;
    }
  };
  await addPlain();
  if (gitDir === undefined) return;
  const oids = entries.flatMap(({ from }) => (from !== undefined && 'oid' in from ? [from.oid] : []));
  await readers.of(gitDir).stream(oids, async ({ size }, copy) => {
    const entry = entries[next++];
    if (entry === undefined) throw new Error('more objects than entries');
    await sink.add({ ...placeOf(entry), size }, copy);
    if (size === 0) await copy(() => {});
    await addPlain();
  });
}

async function addFile(sink: ArchiveSink, entry: ContentEntry, { file, size }: { file: string; size: number }) {
  await sink.add({ ...placeOf(entry), size }, async (write) => {
    for await (const part of createReadStream(file)) await write(part as Buffer);
  });
}

function placeOf({ path, rawPath, kind }: ContentEntry) {
  return { path, kind, ...(rawPath === undefined ? {} : { rawPath }) };
}

const maxIgnoreBytes = 1024 * 1024;

async function loadIgnoreRules(
  entries: readonly ContentEntry[],
  { readers, ignore }: Pick<WriteOptions, 'readers' | 'ignore'>,
): Promise<IgnoreRules> {
  const files: { path: string; text: string }[] = [];
  for (const { path, kind, from } of entries) {
    if (kind === 'directory' || from === undefined) continue;
    if (path !== ignoreFileName && !path.endsWith(`/${ignoreFileName}`)) continue;
    const data =
      'file' in from ? await readFile(from.file) : (await readers.of(from.gitDir).read(from.oid, maxIgnoreBytes)).data;
    files.push({ path, text: data.toString('utf8') });
  }
  return compileIgnoreRules({ files, spec: ignore });
}
