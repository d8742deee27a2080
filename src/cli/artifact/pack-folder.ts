import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MillraceError } from '../../base/error.ts';
import { compareBytes } from '../../base/text.ts';
import { type ArchiveSink, writeArchive } from '../../controllers/source/archive-writer.ts';
import { compileIgnoreRules, type IgnoreRules, ignoreFileName } from '../../controllers/source/ignore-rules.ts';

export interface PackOptions {
  signal: AbortSignal;
  /** Patterns in place of the defaults, as `spec.ignore` has them. */
  ignore?: string;
  /** Whether links are replaced by what they point at, wherever that is. */
  resolveLinks?: boolean;
}

/**
 * Packs a folder (or a single file) the way sources do: same order, modes and ignore rules, links left out. Returns the
 * digest and length of the archive. Throws BAD_INPUT where there is nothing at `path`, or a link leads nowhere or in circles.
 */
export async function packFolder(
  path: string,
  archive: string,
  { signal, ignore, resolveLinks = false }: PackOptions,
): Promise<{ digest: string; size: number }> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new MillraceError('BAD_INPUT', `There is nothing at ${path}`, { cause, retry: 'never' });
  });
  return writeArchive(archive, { signal, algorithm: 'sha256' }, async (sink) => {
    if (found.isFile()) return addFile(sink, path, basename(path));
    const isIgnored = compileIgnoreRules({ files: await findIgnoreFiles(path), spec: ignore });
    await addFolder({ sink, isIgnored, resolveLinks }, path, '', []);
  });
}

interface Packing {
  sink: ArchiveSink;
  isIgnored: IgnoreRules;
  resolveLinks: boolean;
}

/** `folder` on disk is `below` in the archive; `around` are the real folders that it is in. */
async function addFolder(packing: Packing, folder: string, below: string, around: readonly string[]): Promise<void> {
  const { sink, isIgnored, resolveLinks } = packing;
  const real = await realpath(folder);
  if (around.includes(real)) throw badLink(folder, 'leads back to a folder that it is in');
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => compareBytes(a.name, b.name))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const place = join(folder, entry.name);
    const isLink = entry.isSymbolicLink();
    if (isLink && (!resolveLinks || isIgnored(path, false))) continue;
    const found = isLink ? await targetOf(place) : entry;
    if (found.isDirectory()) {
      if (entry.name === '.git') continue;
      if (!isIgnored(path, true)) await sink.add({ path, kind: 'directory', size: 0 });
      await addFolder(packing, place, path, [...around, real]);
    } else if (found.isFile() && !isIgnored(path, false)) await addFile(sink, place, path);
  }
}

async function targetOf(link: string) {
  return stat(link).catch((cause: unknown) => {
    throw badLink(link, 'leads nowhere', cause);
  });
}

function badLink(link: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('BAD_INPUT', `The link ${link} ${why}`, { cause, retry: 'never' });
}

async function addFile(sink: ArchiveSink, file: string, path: string): Promise<void> {
  const { size, mode } = await stat(file);
  await sink.add({ path, size, kind: (mode & 0o111) === 0 ? 'file' : 'executable' }, async (write) => {
    for await (const part of createReadStream(file, { end: Math.max(0, size - 1) })) await write(part as Buffer);
  });
}

async function findIgnoreFiles(root: string, below = ''): Promise<{ path: string; text: string }[]> {
  const files: { path: string; text: string }[] = [];
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== '.git') files.push(...(await findIgnoreFiles(root, path)));
    else if (entry.isFile() && entry.name === ignoreFileName) {
      files.push({ path, text: await readFile(join(root, path), 'utf8') });
    }
  }
  return files;
}
