import type { KubeObject } from '../base/kube-object.ts';
import { printDocuments } from '../yaml/print.ts';
import { accumulate } from './accumulate.ts';
import { type FileSystem, normalPath } from './file-system.ts';
import { contentHash } from './hash.ts';
import { rename } from './metadata-transformers.ts';
import { fixNameReferences } from './name-references.ts';

export interface BuildOptions {
  fs: FileSystem;
  /** The folder with the kustomization file, relative to the root of `fs`. */
  dir: string;
}

/**
 * The objects that a kustomization makes, in the order of its resources. Reads through `fs` only; the same files give the same
 * objects. Throws KUSTOMIZE_BUILD_FAILED, KUSTOMIZE_PATH_OUTSIDE and YAML_INVALID.
 */
export function buildObjects({ fs, dir }: BuildOptions): KubeObject[] {
  const resources = accumulate(fs, normalPath(dir));
  for (const resource of resources) {
    if (resource.needsHash) rename(resource, `${resource.object.metadata.name}-${contentHash(resource.object)}`);
  }
  fixNameReferences(resources);
  return resources.map(({ object }) => object);
}

/** What `kustomize build` prints. */
export function build(options: BuildOptions): string {
  return printDocuments(buildObjects(options));
}
