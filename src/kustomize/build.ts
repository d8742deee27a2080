import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { printDocuments } from '../yaml/print.ts';
import { accumulate } from './accumulate.ts';
import { buildError } from './build-error.ts';
import { type FileSystem, normalPath } from './file-system.ts';
import { contentHash } from './hash.ts';
import { type KustomizationFile, listField, readKustomizationFile } from './kustomization-file.ts';
import { rename } from './metadata-transformers.ts';
import { fixNameReferences } from './name-references.ts';
import { annotateOrigin } from './origin.ts';
import type { Resource } from './resource.ts';
import { sortLegacy } from './sort.ts';
import { resolveVars } from './vars.ts';

export interface BuildOptions {
  fs: FileSystem;
  /** The folder with the kustomization file, relative to the root of `fs`. */
  dir: string;
  /** Told of each object that is given back where it was written. */
  onOrigin?: (object: KubeObject, origin: ManifestOrigin) => void;
}

/** Where an object was written: the file, and what it is called there. */
export interface ManifestOrigin {
  path: string;
  kind: string;
  name: string;
}

/**
 * The objects that a kustomization makes, in the order of its resources. Reads through `fs` only; the same files give the same
 * objects. Throws KUSTOMIZE_BUILD_FAILED, KUSTOMIZE_PATH_OUTSIDE and YAML_INVALID.
 */
export function buildObjects({ fs, dir, onOrigin }: BuildOptions): KubeObject[] {
  const root = normalPath(dir);
  const { resources, config, vars } = accumulate(fs, root);
  for (const resource of resources) {
    if (resource.needsHash) rename(resource, `${resource.object.metadata.name}-${contentHash(resource.object)}`);
  }
  fixNameReferences(resources, config.nameReference);
  resolveVars(resources, vars, config.varReference);
  const kept = resources.filter(({ object }) => !isLocal(object));
  const file = readKustomizationFile(fs, root);
  if (listField(file, 'buildMetadata').includes('originAnnotations')) {
    for (const resource of kept) annotateOrigin(resource, root);
  }
  return ordered(kept, file).map(({ object: made, origin: path, originalKind: kind, names }) => {
    const object = withoutBlanks(made);
    onOrigin?.(object, { path, kind, name: names[0] ?? object.metadata.name });
    return object;
  });
}

/** An object that was written without an apiVersion stays so. */
function withoutBlanks(object: KubeObject): KubeObject {
  const { apiVersion, ...rest } = object;
  return apiVersion === '' ? (rest as KubeObject) : object;
}

/** Objects that are only meant for the build itself. */
function isLocal({ metadata }: KubeObject): boolean {
  const mark = metadata.annotations?.['config.kubernetes.io/local-config'];
  return mark !== undefined && mark !== 'false';
}

function ordered(resources: readonly Resource[], { fields, path }: KustomizationFile): readonly Resource[] {
  const options = fields['sortOptions'];
  if (!isRecord(options)) return sortLegacy(resources, undefined);
  const { order, legacySortOptions } = options;
  if (order === 'legacy') return sortLegacy(resources, legacySortOptions);
  if (order !== 'fifo') throw buildError(path, `sortOptions.order should be legacy or fifo, not ${String(order)}`);
  return resources;
}

/** What `kustomize build` prints. */
export function build(options: BuildOptions): string {
  return printDocuments(buildObjects(options));
}
