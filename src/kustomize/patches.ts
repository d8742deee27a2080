import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { parseFirstDocument } from '../yaml/documents.ts';
import { cloneValue, setKey } from '../yaml/original-text.ts';
import type { BuildContext } from './build-context.ts';
import { buildError } from './build-error.ts';
import { applyJsonPatch } from './json-patch.ts';
import { originAnnotation, transformationsAnnotation } from './origin.ts';
import { type NamingPlace, pathOf, readNamedText } from './read-named.ts';
import { readObjects } from './read-resources.ts';
import { Resource } from './resource.ts';
import { formatId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';
import { type Selector, selectResources } from './selector.ts';
import { MergeFault, mergeStrategically } from './strategic-merge.ts';

type Fields = Record<string, unknown>;

/** What a patch may change besides the content. */
export interface PatchOptions {
  allowNameChange?: boolean;
  allowKindChange?: boolean;
}

/** An entry of `patches`. */
export interface PatchEntry {
  path?: string;
  patch?: string;
  target?: Selector;
  options?: PatchOptions;
}

/** A patch that has been read. */
export type PreparedPatch = (list: ResourceList) => void;

/** Reads an entry of `patches`: strategic merge patches or one JSON patch. Throws KUSTOMIZE_BUILD_FAILED and YAML_INVALID. */
export function preparePatch(context: BuildContext, place: NamingPlace, entry: PatchEntry): PreparedPatch {
  const { path = '', target, options = {} } = entry;
  const inline = (entry.patch ?? '').trim();
  if (inline === '' && path === '') throw buildError(place.path, "a patch needs 'patch' or 'path'");
  if (inline !== '' && path !== '')
    throw buildError(place.path, `a patch may not have both 'patch' and 'path' (${path})`);
  const where = inline === '' ? pathOf(place.folder, path) : place.path;
  const text = inline === '' ? readNamedText(context.fs, place, path) : inline;
  const merges = attempt(() => readObjects(text, where));
  const operations = attempt(() => readOperations(text, where));
  if (merges instanceof MillraceError && operations instanceof MillraceError) throw isList(text) ? operations : merges;
  if (merges instanceof MillraceError)
    return (list) => applyOperations(list, operations as readonly unknown[], target, where);
  if (merges.length > 1 && target !== undefined)
    throw buildError(
      where,
      'several merge patches in one entry may not have a target',
      'Give each an entry of its own.',
    );
  const patches = merges.map((fields) => new Resource(fields, where, context.schema));
  if (target !== undefined) return (list) => mergeIntoSelected(list, patches, { target, options, where });
  return (list) => {
    for (const patch of patches) mergeIntoNamed(list, patch, options);
  };
}

/** Reads `patchesStrategicMerge`: each entry a file, or the patch itself. */
export function prepareMergePatches(
  context: BuildContext,
  place: NamingPlace,
  { paths = [], patches = '' }: { paths?: readonly string[]; patches?: string },
): PreparedPatch {
  const objects = paths.flatMap((entry) => {
    const inline = attempt(() => readObjects(entry, place.path));
    if (!(inline instanceof MillraceError)) return inline.map((fields) => ({ fields, where: place.path }));
    // What is no object is the name of a file, unless it can only be meant as a patch.
    if (entry.includes('\n')) throw inline;
    const where = pathOf(place.folder, entry);
    return readObjects(readNamedText(context.fs, place, entry), where).map((fields) => ({ fields, where }));
  });
  objects.push(...readObjects(patches, place.path).map((fields) => ({ fields, where: place.path })));
  if (objects.length === 0) throw buildError(place.path, 'patchesStrategicMerge: the patches appear to be empty');
  const read = objects.map(({ fields, where }) => new Resource(fields, where, context.schema));
  return (list) => {
    for (const patch of read) {
      const target = list.theOneWith(patch.originalId, patch.source, 'the patch for');
      mergeInto(list, [target], patch, {});
    }
  };
}

/** Reads an entry of `patchesJson6902`. */
export function prepareJsonPatch(
  context: BuildContext,
  place: NamingPlace,
  { target, path = '', jsonOp = '' }: { target?: Selector; path?: string; jsonOp?: string },
): PreparedPatch {
  if (!target?.name) throw buildError(place.path, 'a JSON patch needs the name of its target');
  if (path === '' && jsonOp === '') throw buildError(place.path, "a JSON patch needs 'path' or 'patch'");
  if (path !== '' && jsonOp !== '') throw buildError(place.path, "a JSON patch may not have both 'path' and 'patch'");
  const where = path === '' ? place.path : pathOf(place.folder, path);
  const operations = readOperations(path === '' ? jsonOp : readNamedText(context.fs, place, path), where);
  if (operations.length === 0) throw buildError(where, 'the JSON patch appears to be empty');
  return (list) => applyOperations(list, operations, target, where, { keepsId: true });
}

function attempt<T>(work: () => T): T | MillraceError {
  try {
    return work();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
}

function isList(text: string): boolean {
  return /^\s*(?:#.*\n\s*)*[[-]/.test(text);
}

/** The operations of a JSON patch: what begins with `[` is JSON, anything else YAML. */
function readOperations(text: string, where: string): readonly unknown[] {
  if (text === '') throw buildError(where, 'the JSON patch is empty');
  const value = text.startsWith('[')
    ? parseJson(text, where)
    : parseFirstDocument(text, where, { oldBooleans: true, lastKeyWins: true });
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isRecord))
    throw buildError(where, 'a JSON patch should be a list of operations, each a mapping');
  return value;
}

function parseJson(text: string, where: string): unknown {
  try {
    JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const hint =
      'What begins with [ is read as JSON: quote every key and value, or write the list in YAML, one - a line.';
    throw buildError(where, `the JSON patch is not JSON: ${reason}`, hint);
  }
  // Read again for integers that a number cannot hold.
  return parseFirstDocument(text, where, { lastKeyWins: true });
}

function applyOperations(
  list: ResourceList,
  operations: readonly unknown[],
  target: Selector | undefined,
  where: string,
  { keepsId = false } = {},
): void {
  if (operations.length === 0) return;
  if (target === undefined) throw buildError(where, "a JSON patch needs a 'target'");
  for (const resource of selectResources(list.resources, target, where)) {
    if (!keepsId) resource.rememberId();
    const at = `${where}: ${formatId(resource.id)}`;
    withBuildNotes(resource, () => {
      resource.object = asJson(applyJsonPatch(resource.object, operations, at)) as Resource['object'];
    });
  }
  list.idsChanged();
}

/**
 * Does work on an object as kustomize has it, with the build's notes among its annotations: these are a mapping even where none
 * were written, and who replaces all of them replaces what is known of the origin too.
 */
function withBuildNotes(resource: Resource, work: () => void): void {
  const notes: Record<string, string> = {};
  if (resource.origin !== undefined) notes[originAnnotation] = '';
  if (resource.transformations.length > 0) notes[transformationsAnnotation] = '';
  if (resource.previous.length > 0 || Object.keys(notes).length > 0) resource.addAnnotations(notes);
  work();
  const { [originAnnotation]: origin, [transformationsAnnotation]: transformations, ...own } = resource.annotations();
  if (origin === undefined) delete resource.origin;
  if (transformations === undefined) resource.transformations = [];
  resource.setPairs('annotations', own);
}

/** As if written and read as JSON by Go: all numbers are doubles. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(asJson);
  if (!isRecord(value)) return value;
  const result: Fields = {};
  for (const key of Object.keys(value)) setKey(result, key, asJson(value[key]));
  return result;
}

interface TargetedMerge {
  target: Selector;
  options: PatchOptions;
  where: string;
}

function mergeIntoSelected(
  list: ResourceList,
  patches: readonly Resource[],
  { target, options, where }: TargetedMerge,
): void {
  for (const patch of patches) mergeInto(list, selectResources(list.resources, target, where), patch, options);
}

/** Merges into each of the targets a patch whose labels and annotations are texts, as kustomize has them by then. */
function mergeInto(list: ResourceList, targets: readonly Resource[], patch: Resource, options: PatchOptions): void {
  for (const resource of targets) {
    const copy = new Resource(cloneValue(patch.object), patch.source, patch.schema);
    copy.setPairs('labels', copy.labels());
    copy.setPairs('annotations', copy.annotations());
    copy.setNamespace(copy.namespace);
    const { apiVersion } = resource;
    copy.object.apiVersion = apiVersion;
    merge(list, resource, copy, options);
    // kustomize writes the version of the object into the patch, also one that is missing.
    if (apiVersion === '' && resource.object.apiVersion === '') Object.assign(resource.object, { apiVersion: null });
  }
  const kept = withoutEmpty(list);
  if (options.allowNameChange || options.allowKindChange) {
    list.replaceAll([]);
    list.append(kept);
  } else list.replaceAll(kept);
}

function mergeIntoNamed(list: ResourceList, patch: Resource, options: PatchOptions): void {
  const target = list.theOneWith(patch.originalId, patch.source, 'the patch for');
  merge(list, target, new Resource(cloneValue(patch.object), patch.source, patch.schema), options);
  list.replaceAll(withoutEmpty(list));
}

function withoutEmpty(list: ResourceList): Resource[] {
  return list.resources.filter(({ object }) => Object.keys(object).length > 0);
}

/** One strategic merge. Name, namespace and kind stay what they were, unless a change is allowed. */
function merge(list: ResourceList, resource: Resource, patch: Resource, options: PatchOptions): void {
  const { name, namespace, kind } = resource;
  const { allowNameChange = false, allowKindChange = false } = options;
  if (allowNameChange || allowKindChange) resource.rememberId();
  const merged = attemptMerge(resource, patch);
  resource.object = (merged ?? {}) as Resource['object'];
  if (merged === undefined) return;
  if (!allowKindChange) resource.object.kind = kind;
  if (!allowNameChange) resource.setName(name);
  resource.setNamespace(namespace);
  list.idsChanged();
}

function attemptMerge(resource: Resource, patch: Resource): Fields | undefined {
  try {
    return mergeStrategically(resource.object, patch.object, resource.schema);
  } catch (fault) {
    if (!(fault instanceof MergeFault)) throw fault;
    throw buildError(
      patch.source,
      `the patch does not fit ${formatId(resource.id)}: ${fault.path.join('.')}: ${fault.message}`,
    );
  }
}
