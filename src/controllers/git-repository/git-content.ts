import { MillraceError } from '../../base/error.ts';
import type { TreeEntry } from '../../git/tree.ts';
import { type ContentEntry, inWalkOrder } from '../source/content.ts';

/** Tree entries as content, below a folder. Links have no place in an artifact; a submodule is an empty folder. */
export function contentOf(entries: readonly TreeEntry[], gitDir: string, below = ''): ContentEntry[] {
  const prefix = below === '' ? '' : `${below}/`;
  return entries.flatMap(({ path, rawPath, kind, oid }): ContentEntry[] => {
    if (kind === 'symlink') return [];
    const place = {
      path: `${prefix}${path}`,
      ...(rawPath === undefined ? {} : { rawPath: Buffer.concat([Buffer.from(prefix), rawPath]) }),
    };
    if (kind === 'directory' || kind === 'submodule') return [{ ...place, kind: 'directory', from: undefined }];
    return [{ ...place, kind, from: { gitDir, oid } }];
  });
}

/** Only what is in these folders (`spec.sparseCheckout`), and the folders on the way there. */
export function limitToFolders(entries: readonly ContentEntry[], folders: readonly string[]): ContentEntry[] {
  const wanted = folders.map(cleanFolder);
  if (wanted.length === 0 || wanted.includes('')) return [...entries];
  const present = new Set(entries.filter(({ kind }) => kind === 'directory').map(({ path }) => path));
  for (const folder of wanted) if (!present.has(folder)) throw missingFolder(folder);
  return entries.filter(({ path, kind }) =>
    wanted.some(
      (folder) =>
        path === folder || path.startsWith(`${folder}/`) || (kind === 'directory' && folder.startsWith(`${path}/`)),
    ),
  );
}

/** The paths that are in one of these folders; all of them where there is none. */
export function belowFolders(paths: readonly string[], folders: readonly string[]): string[] {
  const wanted = folders.map(cleanFolder);
  if (wanted.length === 0 || wanted.includes('')) return [...paths];
  return paths.filter((path) => wanted.some((folder) => path.startsWith(`${folder}/`)));
}

/** Puts content in place of whatever is at `folder` and below; the folders above it are made. */
export function replaceFolder(
  entries: readonly ContentEntry[],
  folder: string,
  content: readonly ContentEntry[],
): ContentEntry[] {
  const above = ancestorsOf(folder);
  const kept = entries.filter(
    ({ path, kind }) =>
      path !== folder && !path.startsWith(`${folder}/`) && !(kind !== 'directory' && above.includes(path)),
  );
  const present = new Set(kept.map(({ path }) => path));
  const made = [...above, folder].filter((path) => path !== '' && !present.has(path));
  const folders = made.map((path): ContentEntry => ({ path, kind: 'directory', from: undefined }));
  return inWalkOrder([...kept, ...folders, ...content]);
}

/** `a/b` for `./a/b/`; '' for the root. */
export function cleanFolder(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function ancestorsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

function missingFolder(folder: string): MillraceError {
  const what = `sparse checkout dir '${folder}' does not exist in repository`;
  return new MillraceError(
    'GIT_REF_NOT_FOUND',
    `failed to sparse checkout directories : ${what}: no such file or directory`,
    { hint: 'Check spec.sparseCheckout: folders, relative to the root.' },
  );
}
