import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MillraceError } from '../../base/error.ts';
import { compareBytes } from '../../base/text.ts';
import { type ArchiveSink, writeArchive } from '../../controllers/source/archive-writer.ts';
import { compileIgnoreRules, type IgnoreRules, ignoreFileName } from '../../controllers/source/ignore-rules.ts';

export interface PackOptions {
  signal: AbortSignal;
  /** Patterns in place of the defaults, as `spec.ignore` has them. */
  ignore?: string;
}

/**
 * Packs a folder (or a single file) the way sources do: same order, modes and ignore rules, links left out. Returns the
 * digest and length of the archive. Throws BAD_INPUT where there is nothing at `path`.
 */
export async function packFolder(
  path: string,
  archive: string,
  { signal, ignore }: PackOptions,
): Promise<{ digest: string; size: number }> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new MillraceError('BAD_INPUT', `There is nothing at ${path}`, { cause, retry: 'never' });
  });
  return writeArchive(archive, { signal, algorithm: 'sha256' }, async (sink) => {
    if (found.isFile()) return addFile(sink, path, basename(path));
    const rules = compileIgnoreRules({ files: await findIgnoreFiles(path), spec: ignore });
    await addFolder(sink, path, '', rules);
  });
}

async function addFolder(sink: ArchiveSink, root: string, below: string, isIgnored: IgnoreRules): Promise<void> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => compareBytes(a.name, b.name))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (entry.name === '.git') continue;
      if (!isIgnored(path, true)) await sink.add({ path, kind: 'directory', size: 0 });
      await addFolder(sink, root, path, isIgnored);
    } else if (entry.isFile() && !isIgnored(path, false)) await addFile(sink, join(root, path), path);
  }
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
