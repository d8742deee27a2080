import { readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { compareBytes } from '../../base/text.ts';
import { type LintScope, lintMarkers, type MarkerFinding } from '../../images/lint-markers.ts';
import type { PolicyRefs } from '../../images/setter-marker.ts';
import { isMarkerFile, type MarkerChange, updateMarkers } from '../../images/update-markers.ts';

/** One scalar that was edited. */
export interface FileChange extends MarkerChange {
  /** Relative to the update path. */
  file: string;
}

export interface AppliedSetters {
  /** In file and document order. */
  changes: FileChange[];
  /** Markers that do nothing, those of files that were skipped as a whole among them. */
  findings: MarkerFinding[];
}

export interface SetterOptions {
  /** Below which path of the tree; default all of it. */
  path?: string | undefined;
  policies: PolicyRefs;
  /** What markers are held against. */
  lint?: LintScope;
}

const marker = Buffer.from('"$imagepolicy"');
/** Files read side by side: enough to keep the disk busy, few enough to stay below limits. */
const readers = 32;

/**
 * Writes what the policies chose into the files below `path` of a work tree (spec/image.md §7). Files are edited byte by
 * byte and keep their mode; nothing is written where nothing changed. Nothing outside the tree is read or written.
 * Throws a plain Error where the path is missing or leads out of the tree.
 */
export async function applySetters(treeDir: string, { path, policies, lint }: SetterOptions): Promise<AppliedSetters> {
  const base = await resolveInside(treeDir, path ?? '');
  const files = await listMarkerFiles(base);
  const applied: AppliedSetters = { changes: [], findings: [] };
  const results: Awaited<ReturnType<typeof editFile>>[] = new Array(files.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < files.length; index = next++) {
      results[index] = await editFile(base, files[index] ?? '', { policies, ...(lint !== undefined && { lint }) });
    }
  };
  await Promise.all(Array.from({ length: readers }, worker));
  for (const [index, result] of results.entries()) {
    if (result === undefined) continue;
    const file = files[index] ?? '';
    applied.findings.push(...result.findings);
    for (const change of result.changes) applied.changes.push({ ...change, file });
  }
  return applied;
}

interface EditedFile {
  changes: MarkerChange[];
  findings: MarkerFinding[];
}

async function editFile(
  base: string,
  file: string,
  { policies, lint }: SetterOptions,
): Promise<EditedFile | undefined> {
  const path = join(base, file);
  const bytes = await readFile(path);
  if (!bytes.includes(marker)) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const message = 'the whole file is skipped: it is not UTF-8';
    return { changes: [], findings: [{ file: file || path, line: 1, rule: 'problem-file', message }] };
  }
  const { changes, text: updated } = updateMarkers(path, text, policies);
  if (changes.length > 0) await writeFile(path, updated);
  return { changes, findings: lint === undefined ? [] : lintMarkers(file || path, text, lint) };
}

/** Regular files that may hold markers, relative to `base`, in the order of a walk. Links are not followed. */
async function listMarkerFiles(base: string): Promise<string[]> {
  if ((await stat(base)).isFile()) return [''];
  const files: string[] = [];
  const walk = async (dir: string): Promise<void> => {
    const entries = await readdir(join(base, dir), { withFileTypes: true });
    entries.sort((a, b) => compareBytes(a.name, b.name));
    for (const entry of entries) {
      const path = dir === '' ? entry.name : `${dir}/${entry.name}`;
      if (entry.isDirectory() && path !== '.git') await walk(path);
      else if (entry.isFile() && isMarkerFile(entry.name)) files.push(path);
    }
  };
  await walk('');
  return files;
}

async function resolveInside(treeDir: string, path: string): Promise<string> {
  const root = await realpath(treeDir);
  const wanted = resolve(root, `./${path}`);
  let real: string;
  try {
    real = await realpath(isInside(root, wanted) ? wanted : root);
  } catch {
    throw new Error(`walking path for files: lstat ${relative(root, wanted)}: no such file or directory`);
  }
  if (!isInside(root, real) || !isInside(root, wanted))
    throw new Error(`walking path for files: ${path} leads out of the repository`);
  return real;
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root + sep);
}
