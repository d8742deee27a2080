import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { MillraceError } from '../base/error.ts';
import { buildError } from './build-error.ts';

/** What the engine reads from. Paths are relative to its root, with `/`, and never leave it. */
export interface FileSystem {
  /** The bytes of a file, or undefined where there is none. */
  readFile(path: string): Buffer | undefined;
  kindOf(path: string): 'file' | 'folder' | undefined;
  /** Names in a folder, sorted. */
  list(path: string): string[];
  /** Where links lead to, where there are links. */
  realPath?(path: string): string | undefined;
}

/**
 * How far from its own folder a kustomization may name files, as `--load-restrictor` of kustomize has it: not out of the folder,
 * or anywhere. Bases may be anywhere either way.
 */
export type LoadRestrictor = 'rootOnly' | 'none';

/** The files of one build. */
export interface SourceFiles extends FileSystem {
  readonly loadRestrictor: LoadRestrictor;
  /** Where the links of a folder's path lead to; it is asked for with every file in the folder. */
  realFolder(path: string): string;
}

export function sourceFiles(fs: FileSystem, loadRestrictor: LoadRestrictor): SourceFiles {
  const realFolders = new Map<string, string>();
  return {
    realFolder: (path) => {
      const real = realFolders.get(path) ?? fs.realPath?.(path) ?? path;
      realFolders.set(path, real);
      return real;
    },
    readFile: (path) => fs.readFile(path),
    kindOf: (path) => fs.kindOf(path),
    list: (path) => fs.list(path),
    realPath: (path) => (fs.realPath === undefined ? path : fs.realPath(path)),
    loadRestrictor,
  };
}

/** Files in memory: path → text or bytes. */
export function memoryFileSystem(files: Readonly<Record<string, string | Buffer>>): FileSystem {
  const contents = new Map(Object.entries(files).map(([path, content]) => [normalPath(path), content]));
  const folders = foldersOf(contents.keys());
  return {
    readFile: (path) => {
      const content = contents.get(normalPath(path));
      return typeof content === 'string' ? Buffer.from(content) : content;
    },
    kindOf: (path) => {
      const normal = normalPath(path);
      if (contents.has(normal)) return 'file';
      return folders.has(normal) ? 'folder' : undefined;
    },
    list: (path) => [...(folders.get(normalPath(path)) ?? [])].sort(),
  };
}

/** The names in each folder that the paths of files imply. */
function foldersOf(paths: Iterable<string>): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>();
  for (const path of paths) {
    for (let at = path; at !== ''; ) {
      const slash = at.lastIndexOf('/');
      const folder = slash < 0 ? '' : at.slice(0, slash);
      const names = folders.get(folder);
      const name = at.slice(slash + 1);
      if (names?.has(name)) break;
      if (names === undefined) folders.set(folder, new Set([name]));
      else names.add(name);
      at = folder;
    }
  }
  return folders;
}

/** A file above this size is no manifest, and no ConfigMap could hold it; it is not read. */
const mostBytes = 50_000_000;

/** A folder of the disk; links that lead out of it are refused with KUSTOMIZE_PATH_OUTSIDE. */
export function diskFileSystem(root: string): FileSystem {
  const realRoot = realpathSync.native(root);
  const below = realRoot.endsWith(sep) ? realRoot : realRoot + sep;
  /** Where the path leads to, below the real root. */
  const locate = (path: string): string | undefined => {
    const full = below + normalPath(path);
    const real = orMissing(() => realpathSync.native(full));
    if (real === undefined || real === realRoot || real.startsWith(below)) return real;
    throw outside(path);
  };
  const find = (path: string) => {
    const real = locate(path);
    return real === undefined ? undefined : { real, stat: statSync(real) };
  };
  return {
    kindOf: (path) => {
      const stat = find(path)?.stat;
      return stat?.isDirectory() === true ? 'folder' : stat?.isFile() === true ? 'file' : undefined;
    },
    readFile: (path) => {
      const found = find(path);
      if (found?.stat.isFile() !== true) return undefined;
      if (found.stat.size > mostBytes) throw buildError(path, `the file is larger than ${mostBytes} bytes`);
      return readFileSync(found.real);
    },
    list: (path) => {
      const found = find(path);
      return found?.stat.isDirectory() === true ? readdirSync(found.real).sort() : [];
    },
    realPath: (path) => {
      const real = locate(path);
      return real?.slice(below.length);
    },
  };
}

function orMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Names with a slash between them, none of which begins with a dot. */
const plainPath = /^[^./][^/]*(?:\/[^./][^/]*)*$/;

/** A path below the root with `.` and `..` resolved. Throws KUSTOMIZE_PATH_OUTSIDE where it leaves the root. */
export function normalPath(path: string): string {
  if (plainPath.test(path)) return path;
  const normal = join('/', path).slice(1).replace(/\/$/, '');
  const depth = path.split('/').reduce((level, part) => {
    if (level < 0) return level;
    return part === '..' ? level - 1 : part === '' || part === '.' ? level : level + 1;
  }, 0);
  if (depth < 0) throw outside(path);
  return normal;
}

function outside(path: string): MillraceError {
  return new MillraceError('KUSTOMIZE_PATH_OUTSIDE', `'${path}' leads out of the folder that may be read`, {
    hint: 'Bases, files and links must stay within the repository.',
    retry: 'never',
  });
}
