import { RE2JS } from 're2js';
import { isRecord } from '../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../base/kube-object.ts';
import { parseDocuments } from '../yaml/documents.ts';
import { buildError } from './build-error.ts';
import type { FileSystem } from './file-system.ts';
import { applyJsonPatch } from './json-patch.ts';
import { type KustomizationFile, listField, recordsField } from './kustomization-file.ts';
import { pathOf, readNamedText } from './read-named.ts';
import type { Resource } from './resource.ts';
import { mergeStrategically } from './strategic-merge.ts';

interface Patch {
  /** One or more merge patches, or the operations of a JSON patch. */
  merges: Record<string, unknown>[];
  operations: unknown[];
  target: Record<string, unknown> | undefined;
  options: Record<string, unknown>;
  where: string;
}

type PatchField = 'patchesStrategicMerge' | 'patchesJson6902' | 'patches';

/** Applies every patch of a kustomization file; resources that a patch deletes are left out of the result. */
export function applyPatches(
  fs: FileSystem,
  resources: Resource[],
  file: KustomizationFile,
  fields: readonly PatchField[] = ['patchesStrategicMerge', 'patchesJson6902', 'patches'],
): Resource[] {
  let remaining = resources;
  const only = { ...file, fields: Object.fromEntries(fields.map((field) => [field, file.fields[field]])) };
  for (const patch of readPatches(fs, only)) remaining = applyPatch(remaining, patch);
  return remaining;
}

function readPatches(fs: FileSystem, file: KustomizationFile): Patch[] {
  const read = (path: string) => readNamedText(fs, file, path);
  const merges = listField(file, 'patchesStrategicMerge').map((entry) => {
    const text = String(entry);
    const isInline = text.includes('\n') || text.includes(': ');
    return parsePatch(isInline ? text : read(text), isInline ? file.path : pathOf(file.folder, text), undefined, {});
  });
  const others = [...recordsField(file, 'patchesJson6902'), ...recordsField(file, 'patches')].map((entry) => {
    const { patch, path } = entry;
    if (typeof patch !== 'string' && typeof path !== 'string')
      throw buildError(file.path, "a patch needs 'patch' or 'path'");
    const target = isRecord(entry['target']) ? entry['target'] : undefined;
    const options = isRecord(entry['options']) ? entry['options'] : {};
    return parsePatch(
      typeof patch === 'string' ? patch : read(String(path)),
      typeof path === 'string' ? path : file.path,
      target,
      options,
    );
  });
  return [...merges, ...others];
}

function parsePatch(text: string, where: string, target: Patch['target'], options: Patch['options']): Patch {
  const documents = parseDocuments(text, where);
  const [first] = documents;
  if (Array.isArray(first)) {
    if (target === undefined) throw buildError(where, 'a JSON patch needs a target');
    return { merges: [], operations: first, target, options, where };
  }
  const merges = documents.map((document) => {
    if (!isRecord(document)) throw buildError(where, 'a patch should be an object or a list of operations');
    return document;
  });
  return { merges, operations: [], target, options, where };
}

function applyPatch(resources: Resource[], patch: Patch): Resource[] {
  if (patch.operations.length > 0) {
    for (const resource of selected(resources, patch.target ?? {}, patch.where)) {
      const before = { ...resource.object.metadata };
      applyJsonPatch(resource.object, patch.operations, patch.where);
      if (resource.object.metadata.name !== before.name) resource.names.push(resource.object.metadata.name);
    }
    return resources;
  }
  let remaining = resources;
  for (const merge of patch.merges) {
    const targets =
      patch.target === undefined
        ? [namedBy(merge, remaining, patch.where)]
        : selected(remaining, patch.target, patch.where);
    remaining = remaining.filter((resource) => !targets.includes(resource) || mergeInto(resource, merge, patch));
  }
  return remaining;
}

/** False where the patch deletes the resource. */
function mergeInto(resource: Resource, merge: Record<string, unknown>, { target, options }: Patch): boolean {
  const { apiVersion, kind, metadata } = resource.object;
  const merged = mergeStrategically(resource.object, merge);
  if (merged === undefined) return false;
  // A patch names what it is for; only with an option does it rename.
  if (options['allowKindChange'] !== true) Object.assign(merged, { apiVersion, kind });
  if (options['allowNameChange'] !== true || target === undefined)
    merged.metadata = { ...merged.metadata, name: metadata.name };
  else if (merged.metadata.name !== metadata.name) resource.names.push(merged.metadata.name);
  resource.object = merged;
  return true;
}

/** The one resource that a merge patch names by its kind, name and namespace. */
function namedBy(merge: Record<string, unknown>, resources: readonly Resource[], where: string): Resource {
  const { apiVersion, kind, metadata } = merge as unknown as KubeObject;
  if (typeof kind !== 'string' || !isRecord(metadata) || typeof metadata.name !== 'string') {
    throw buildError(where, 'a merge patch without target needs kind and metadata.name');
  }
  const found = resources.filter(
    ({ object, names }) =>
      object.kind === kind &&
      (apiVersion === undefined || groupOf(object.apiVersion) === groupOf(apiVersion)) &&
      names.includes(metadata.name) &&
      (metadata.namespace === undefined || object.metadata.namespace === metadata.namespace),
  );
  const [first] = found;
  if (first === undefined) throw buildError(where, `no resource matches the patch for ${kind}/${metadata.name}`);
  if (found.length > 1)
    throw buildError(where, `several resources match the patch for ${kind}/${metadata.name}`, 'Name its namespace.');
  return first;
}

/** The resources that a target selects: anchored patterns for names, label selectors for labels and annotations. */
export function selected(resources: readonly Resource[], target: Record<string, unknown>, where: string): Resource[] {
  const matches = (field: string) => {
    const pattern = target[field];
    if (typeof pattern !== 'string' || pattern === '') return () => true;
    if (/^[\w-]+$/.test(pattern)) return (value: string) => value === pattern;
    const compiled = compile(`^(?:${pattern})$`, where);
    return (value: string) => compiled.matcher(value).find();
  };
  const [group, version, kind, name, namespace] = ['group', 'version', 'kind', 'name', 'namespace'].map(matches);
  const labels = selectorOf(target['labelSelector']);
  const annotations = selectorOf(target['annotationSelector']);
  return resources.filter(
    ({ object, names }) =>
      group?.(groupOf(object.apiVersion)) &&
      version?.(versionOf(object.apiVersion)) &&
      kind?.(object.kind) &&
      names.some((known) => name?.(known)) &&
      namespace?.(object.metadata.namespace ?? '') &&
      labels(object.metadata.labels ?? {}) &&
      annotations(object.metadata.annotations ?? {}),
  );
}

function compile(pattern: string, where: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    throw buildError(
      where,
      `the pattern '${pattern}' is not valid: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

function selectorOf(text: unknown): (values: Readonly<Record<string, string>>) => boolean {
  if (typeof text !== 'string' || text.trim() === '') return () => true;
  const terms = text.split(/,(?![^(]*\))/).map((term) => term.trim());
  return (values) =>
    terms.every((term) => {
      const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
      if (set !== null) {
        const listed = (set[3] ?? '').split(',').map((value) => value.trim());
        const value = values[set[1] ?? ''];
        return set[2] === 'in'
          ? value !== undefined && listed.includes(value)
          : value === undefined || !listed.includes(value);
      }
      const pair = /^([^=!]+?)\s*(==?|!=)\s*(.*)$/.exec(term);
      if (pair !== null) return (values[pair[1] ?? ''] === pair[3]) === (pair[2] !== '!=');
      return term.startsWith('!') ? values[term.slice(1)] === undefined : values[term] !== undefined;
    });
}
