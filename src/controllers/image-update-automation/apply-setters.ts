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
  const files = await listMarkerFiles(base, await realpath(treeDir));
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

/**
 * Files that may hold markers, relative to `base`, in the order of a walk. Links to folders are not followed, and links to
 * files only within the tree; a file that is met twice counts once.
 */
async function listMarkerFiles(base: string, root: string): Promise<string[]> {
  if ((await stat(base)).isFile()) return [''];
  const files: string[] = [];
  const links: string[] = [];
  const walk = async (dir: string): Promise<void> => {
    const entries = await readdir(join(base, dir), { withFileTypes: true });
    entries.sort((a, b) => compareBytes(a.name, b.name));
    for (const entry of entries) {
      const path = dir === '' ? entry.name : `${dir}/${entry.name}`;
      if (entry.isDirectory() && path !== '.git') await walk(path);
      else if (!isMarkerFile(entry.name)) continue;
      else if (entry.isFile()) files.push(path);
      else if (entry.isSymbolicLink()) links.push(path);
    }
  };
  await walk('');
  const targets = new Set(files.map((file) => join(base, file)));
  for (const link of links) {
    const target = await linkedFile(join(base, link), root);
    if (target === undefined || targets.has(target)) continue;
    targets.add(target);
    files.push(link);
  }
  return links.length === 0 ? files : files.sort(byPath);
}

/** Of the order of a walk, where a folder comes at the place of its name. */
function byPath(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let at = 0; at < left.length && at < right.length; at++) {
    const order = compareBytes(left[at] ?? '', right[at] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** The file that a link of the tree leads to; undefined where it leads out of the tree, into git's own folder, or nowhere. */
async function linkedFile(link: string, root: string): Promise<string | undefined> {
  const target = await realpath(link).catch(() => undefined);
  if (target === undefined || !isInside(root, target) || isInside(join(root, '.git'), target)) return undefined;
  return (await stat(target)).isFile() ? target : undefined;
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
