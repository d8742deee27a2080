import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
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
}

export function sourceFiles(fs: FileSystem, loadRestrictor: LoadRestrictor): SourceFiles {
  return {
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
  const realRoot = realpathSync(root);
  const locate = (path: string): string | undefined => {
    const full = resolve(realRoot, path);
    try {
      const real = realpathSync(full);
      const inside = relative(realRoot, real);
      if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) throw outside(path);
      return real;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
        return undefined;
      throw error;
    }
  };
  const kindOf = (path: string) => {
    const real = locate(path);
    if (real === undefined) return undefined;
    const stat = statSync(real);
    return stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : undefined;
  };
  return {
    kindOf,
    readFile: (path) => {
      const real = kindOf(path) === 'file' ? locate(path) : undefined;
      if (real === undefined) return undefined;
      if (statSync(real).size > mostBytes) throw buildError(path, `the file is larger than ${mostBytes} bytes`);
      return readFileSync(real);
    },
    list: (path) => {
      const real = kindOf(path) === 'folder' ? locate(path) : undefined;
      return real === undefined ? [] : readdirSync(real).sort();
    },
    realPath: (path) => {
      const real = locate(path);
      return real === undefined ? undefined : relative(realRoot, real);
    },
  };
}

/** A path below the root with `.` and `..` resolved. Throws KUSTOMIZE_PATH_OUTSIDE where it leaves the root. */
export function normalPath(path: string): string {
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
