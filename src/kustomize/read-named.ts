import { MillraceError } from '../base/error.ts';
import { buildError } from './build-error.ts';
import { normalPath, type SourceFiles } from './file-system.ts';

/** Where a name in a kustomization is resolved, and the file that says so. */
export interface NamingPlace {
  folder: string;
  path: string;
}

/**
 * The bytes of a file that a kustomization names, relative to its folder. Throws KUSTOMIZE_BUILD_FAILED where there is none, and
 * KUSTOMIZE_PATH_OUTSIDE where the load restrictor keeps it out.
 */
export function readNamed(fs: SourceFiles, place: NamingPlace, name: string): Buffer {
  const content = readNamedIfAny(fs, place, name);
  if (content === undefined) throw buildError(place.path, `the file '${name}' does not exist`);
  return content;
}

/** The same, or undefined where there is no such file. */
export function readNamedIfAny(
  fs: SourceFiles,
  { folder, path: namedIn }: NamingPlace,
  name: string,
): Buffer | undefined {
  const path = pathOf(folder, name);
  const content = fs.readFile(path);
  if (content !== undefined && fs.loadRestrictor === 'rootOnly' && !isBelow(fs, folder, path)) {
    throw new MillraceError('KUSTOMIZE_PATH_OUTSIDE', `${namedIn}: the file '${name}' is not in or below its folder`, {
      hint: 'Move it there, or make its folder a base; --load-restrictor LoadRestrictionsNone allows it.',
      retry: 'never',
    });
  }
  return content;
}

/** The text of a file that a kustomization names. */
export function readNamedText(fs: SourceFiles, place: NamingPlace, name: string): string {
  return readNamed(fs, place, name).toString('utf8');
}

/** A name relative to a folder as a path below the root of the file system. */
export function pathOf(folder: string, name: string): string {
  return normalPath(folder === '' ? name : `${folder}/${name}`);
}

function isBelow(fs: SourceFiles, folder: string, path: string): boolean {
  const root = fs.realFolder(folder);
  return root === '' || (fs.realPath?.(path) ?? path).startsWith(`${root}/`);
}
