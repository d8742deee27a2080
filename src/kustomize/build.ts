import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { printDocuments } from '../yaml/print.ts';
import { accumulateRoot, setSchema } from './accumulate.ts';
import type { BuildContext } from './build-context.ts';
import { addHashes } from './builtin-plugins.ts';
import { metadataLabelSpec } from './default-field-specs.ts';
import { type FileSystem, type LoadRestrictor, normalPath, sourceFiles } from './file-system.ts';
import { KubernetesSchema } from './kubernetes-schema.ts';
import { readKustomizationFile } from './kustomization-file.ts';
import { addPairs } from './labels.ts';
import { fixNameReferences } from './name-references.ts';
import { annotateOrigins } from './origin.ts';
import type { RemoteContent } from './remote-content.ts';
import type { Resource } from './resource.ts';
import { ResourceList } from './resource-list.ts';
import { sortResources } from './sort.ts';
import { resolveVars } from './vars.ts';

export interface BuildOptions {
  fs: FileSystem;
  /** The folder with the kustomization file, relative to the root of `fs`. */
  dir: string;
  /** Default `rootOnly`, as kustomize has it. */
  loadRestrictor?: LoadRestrictor;
  /** The order of the objects where the kustomization file has no `sortOptions`. Default `legacy`. */
  reorder?: 'legacy' | 'none';
  /** What remote resources amount to, by their references; without it they are refused. See `buildObjectsWithRemotes`. */
  remotes?: ReadonlyMap<string, RemoteContent>;
  /** Is told about fields that are deprecated, and the like. */
  warn?: (message: string) => void;
  /** Told of each object that is given back where it was written. */
  onOrigin?: (object: KubeObject, origin: ManifestOrigin) => void;
}

/** Where an object was written: the file, and what it is called there. */
export interface ManifestOrigin {
  path: string;
  kind: string;
  name: string;
}

/** The version of kustomize that is written where `buildMetadata` asks for it. */
const managedBy = 'kustomize-v5.8.1';

/**
 * The objects that a kustomization makes, in the order in which they are to be applied. Reads through `fs` only; the same files
 * give the same objects. Throws KUSTOMIZE_BUILD_FAILED, KUSTOMIZE_PATH_OUTSIDE and YAML_INVALID; faults that have nothing to do
 * with each other are thrown together.
 */
export function buildObjects({
  fs: given,
  dir,
  loadRestrictor = 'rootOnly',
  reorder,
  remotes,
  warn = () => {},
  onOrigin,
}: BuildOptions): KubeObject[] {
  const fs = sourceFiles(given, loadRestrictor);
  const file = readKustomizationFile(fs, normalPath(dir), warn);
  const metadata = new Set(file.fields.buildMetadata);
  const context: BuildContext = { fs, warn, schema: new KubernetesSchema(), remotes, tracksOrigins: metadata.size > 0 };
  setSchema(context, file);
  const { list, config, vars } = accumulateRoot(context, file);
  addHashes(list);
  fixNameReferences(list.resources, config.nameReference);
  resolveVars(list.resources, vars, config.varReference, warn);
  const kept = list.resources.filter((resource) => !isLocal(resource));
  const ordered = new ResourceList();
  if (reorder !== undefined && file.fields.sortOptions !== undefined)
    warn(`${file.path}: 'sortOptions' goes before the order that was asked for`);
  const order = file.fields.sortOptions ?? (reorder === 'none' ? { order: 'fifo' } : undefined);
  ordered.replaceAll(sortResources(kept, order, file.path));
  if (metadata.has('managedByLabel'))
    addPairs(ordered, { 'app.kubernetes.io/managed-by': managedBy }, [metadataLabelSpec]);
  const wanted = {
    origins: metadata.has('originAnnotations'),
    transformations: metadata.has('transformerAnnotations'),
  };
  for (const resource of ordered.resources) {
    annotateOrigins(resource, wanted);
    if (onOrigin === undefined) continue;
    const { kind, name } = resource.originalId;
    onOrigin(resource.object, { path: resource.source, kind, name });
  }
  return ordered.resources.map(({ object }) => object);
}

/** Objects that are only meant for the build itself. */
function isLocal(resource: Resource): boolean {
  const mark = resource.annotations()['config.kubernetes.io/local-config'];
  return mark !== undefined && mark !== 'false';
}

/** What `kustomize build` prints. */
export function build(options: BuildOptions): string {
  return printObjects(buildObjects(options));
}

/** The objects of a build as kustomize prints them. */
export function printObjects(objects: readonly KubeObject[]): string {
  const text = printDocuments(objects);
  return text.includes('\\N') ? printDocuments(objects.map(withFoldedBreaks)) : text;
}

/** On its way to YAML through JSON, go-yaml folds the next-line character within texts as if it were a line break. */
function withFoldedBreaks(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/[ \t]*\u0085([ \t\u0085]*)/g, (_, more: string) => {
      const further = more.replaceAll(/[^\u0085]/g, '').length;
      return further === 0 ? ' ' : '\n'.repeat(further);
    });
  if (Array.isArray(value)) return value.map(withFoldedBreaks);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withFoldedBreaks(item)]));
}
