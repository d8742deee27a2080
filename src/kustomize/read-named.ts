import { buildError } from './build-error.ts';
import { type FileSystem, normalPath } from './file-system.ts';

/** Where a name in a kustomization is resolved, and the file that says so. */
export interface NamingPlace {
  folder: string;
  path: string;
}

/** The bytes of a file that a kustomization names, relative to its folder. Throws KUSTOMIZE_BUILD_FAILED where there is none. */
export function readNamed(fs: FileSystem, { folder, path: namedIn }: NamingPlace, name: string): Buffer {
  const content = fs.readFile(pathOf(folder, name));
  if (content === undefined) throw buildError(namedIn, `the file '${name}' does not exist`);
  return content;
}

/** The text of a file that a kustomization names. */
export function readNamedText(fs: FileSystem, place: NamingPlace, name: string): string {
  return readNamed(fs, place, name).toString('utf8');
}

/** A name relative to a folder as a path below the root of the file system. */
export function pathOf(folder: string, name: string): string {
  return normalPath(folder === '' ? name : `${folder}/${name}`);
}
