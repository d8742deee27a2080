import { builtinKind } from '../api/builtin/builtin-kinds.ts';
import { isRecord } from '../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../base/kube-object.ts';
import { buildError } from './build-error.ts';

/** An object on its way through a build, with what it was called before and how it came about. */
export interface Resource {
  object: KubeObject;
  /** Names it has had, the first one first; what refers to it may use any of them. */
  names: string[];
  /** Namespaces it has been in, the first one first. */
  namespaces: string[];
  /** The kind it had at first. */
  originalKind: string;
  prefixes: string[];
  suffixes: string[];
  /** The name gets a suffix made of the content. */
  needsHash: boolean;
  /** How a generator of the same name in an overlay treats it. */
  behavior: 'create' | 'merge' | 'replace';
  /** The builtin generator that made it, if one did. */
  generator?: string;
  /** The file it came from. */
  origin: string;
}

export function newResource(object: KubeObject, origin: string): Resource {
  return {
    object,
    names: [object.metadata.name],
    namespaces: [object.metadata.namespace ?? ''],
    originalKind: object.kind,
    prefixes: [],
    suffixes: [],
    needsHash: false,
    behavior: 'create',
    origin,
  };
}

/** The objects of a file; Lists are taken apart. Throws KUSTOMIZE_BUILD_FAILED for what is no Kubernetes object. */
export function resourcesOf(documents: readonly Record<string, unknown>[], where: string): Resource[] {
  return documents.flatMap((document) => {
    if (String(document['kind'] ?? '').endsWith('List') && Array.isArray(document['items'])) {
      return resourcesOf(document['items'].filter(isRecord), where);
    }
    requireObject(document, where);
    return [newResource(document as unknown as KubeObject, where)];
  });
}

function requireObject(document: Record<string, unknown>, where: string): void {
  const metadata = document['metadata'];
  if (typeof document['kind'] !== 'string') throw buildError(where, "an object has no 'kind'");
  if (typeof document['apiVersion'] !== 'string') document['apiVersion'] = '';
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '') {
    throw buildError(where, `the ${document['kind']} has no metadata.name`);
  }
  for (const field of ['labels', 'annotations']) {
    const pairs = metadata[field];
    if (pairs === null) delete metadata[field];
    if (!isRecord(pairs)) continue;
    for (const [key, value] of Object.entries(pairs)) {
      if (typeof value === 'object' && value !== null)
        throw buildError(where, `metadata.${field}.${key} should be a text`);
      pairs[key] = value === null ? '' : String(value);
    }
    if (field === 'annotations' && Object.keys(pairs).length === 0) delete metadata[field];
  }
}

/** What two resources of one build may not share. */
export function idOf({ object }: Resource): string {
  const { apiVersion, kind, metadata } = object;
  return `${groupOf(apiVersion)}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

/** `Kind.version.group/name.namespace`: how kustomize writes an id in messages. */
export function formatId({ object }: Resource): string {
  const { apiVersion, kind, metadata } = object;
  const group = groupOf(apiVersion) === '' ? '[noGrp]' : groupOf(apiVersion);
  return `${kind}.${versionOf(apiVersion)}.${group}/${metadata.name}.${metadata.namespace ?? '[noNs]'}`;
}

/** Kinds of other vendors that are not in a namespace; all other unknown kinds are taken to be namespaced. */
export function isNamespaced({ apiVersion, kind }: KubeObject): boolean {
  return builtinKind(apiVersion, kind)?.namespaced ?? true;
}
