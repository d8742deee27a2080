import { isRecord } from '../base/json.ts';
import { setKey, textOf } from '../yaml/original-text.ts';
import { mergeAssociativeList } from './associative-list.ts';
import { inElementOrder } from './element-order.ts';
import type { KubernetesSchema, MergeNode } from './kubernetes-schema.ts';

type Fields = Record<string, unknown>;

/** A patch that cannot be merged; `path` leads to the field. */
export class MergeFault extends Error {
  readonly path: readonly string[];
  constructor(path: readonly string[], message: string) {
    super(message);
    this.path = path;
  }
}

/**
 * A strategic merge patch (kyaml/yaml/merge2): maps merge, lists merge by the keys of the kind's schema where it has some, null
 * removes, `$patch` deletes or replaces. Changes `target` and takes parts of `patch` into it, so both should be the caller's own.
 * Gives undefined where nothing is left. Throws MergeFault.
 */
export function mergeStrategically(target: Fields, patch: Fields, kinds: KubernetesSchema): Fields | undefined {
  const merged = mergeValues(target, patch, { schema: undefined, kinds, path: [] });
  return isRecord(merged) ? merged : undefined;
}

export interface MergeContext {
  schema: MergeNode | undefined;
  kinds: KubernetesSchema;
  path: readonly string[];
  /** Of the items of a list, by `$setElementOrder`. */
  order?: readonly unknown[] | undefined;
}

/** What a field becomes; undefined where it goes. Both sides may be missing (undefined) or null. */
export function mergeValues(target: unknown, patch: unknown, context: MergeContext): unknown {
  const present = target ?? patch;
  if (present === undefined || present === null) return undefined;
  requireSameKind(target, patch, context.path);
  if (Array.isArray(present)) return mergeLists(target as unknown[], patch as unknown[], context);
  if (isRecord(present)) return mergeMaps(target as Fields, patch as Fields, context);
  return patch === undefined ? target : (patch ?? undefined);
}

function requireSameKind(target: unknown, patch: unknown, path: readonly string[]): void {
  if (target === undefined || target === null || patch === undefined || patch === null) return;
  const [wanted, found] = [kindName(target), kindName(patch)];
  if (wanted !== found) throw new MergeFault(path, `the object has ${wanted} there, the patch ${found}`);
}

function kindName(value: unknown): string {
  return Array.isArray(value) ? 'a list' : isRecord(value) ? 'a mapping' : 'a single value';
}

function mergeMaps(
  target: Fields | null | undefined,
  patch: Fields | null | undefined,
  context: MergeContext,
): Fields | undefined {
  if (patch === null) return undefined;
  const directive = patch === undefined ? 'merge' : takeDirective(patch, context.path);
  if (directive === 'delete') return undefined;
  const isNew = target === undefined || target === null;
  const result = (isNew || directive === 'replace' ? patch : target) as Fields;
  const schema = context.schema ?? schemaOf(target, context) ?? schemaOf(patch, context);
  const orders = patch === undefined ? undefined : obeyKubectlDirectives(result, patch);
  for (const key of fieldNames(result, patch)) {
    const [old, added] = [own(result, key), patch === undefined ? undefined : own(patch, key)];
    // A null that the object was written with stays, a value that was left blank does not.
    if (old === null && added === undefined && textOf(result, key) !== '') continue;
    const merged = mergeValues(old, added, {
      schema: schema?.field?.(key),
      kinds: context.kinds,
      path: [...context.path, key],
      order: orders?.get(key),
    });
    if (merged === undefined || merged === null) delete result[key];
    else if (merged !== old) setKey(result, key, merged);
  }
  return result;
}

/** An object within an object, or the object itself, says by its kind how it merges. */
function schemaOf(map: Fields | null | undefined, { kinds }: MergeContext): MergeNode | undefined {
  if (map === null || map === undefined) return undefined;
  const { apiVersion, kind } = map;
  return typeof apiVersion === 'string' && typeof kind === 'string' ? kinds.mergeNode(apiVersion, kind) : undefined;
}

function own(map: Fields, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function fieldNames(target: Fields, patch: Fields | undefined): string[] {
  const names = Object.keys(target);
  if (patch === undefined || patch === target) return names;
  return [...names, ...Object.keys(patch).filter((key) => !Object.hasOwn(target, key))];
}

/** Reads `$patch` and takes it out. */
function takeDirective(patch: Fields, path: readonly string[]): string {
  const directive = patch['$patch'];
  if (directive === undefined || directive === null) return 'merge';
  if (directive !== 'merge' && directive !== 'replace' && directive !== 'delete')
    throw new MergeFault([...path, '$patch'], `should be merge, replace or delete, not '${String(directive)}'`);
  delete patch['$patch'];
  return directive;
}

/**
 * The directives that kubectl writes into patches and kustomize leaves in the object, where the API server refuses them: here
 * they do what they say. Gives the orders that `$setElementOrder` asks for, by field, as they are for the merged lists.
 */
function obeyKubectlDirectives(target: Fields, patch: Fields): ReadonlyMap<string, readonly unknown[]> {
  const orders = new Map<string, readonly unknown[]>();
  for (const key of Object.keys(patch).filter((name) => name.startsWith('$'))) {
    const value = patch[key];
    const [directive = '', field = ''] = key.split('/');
    if (!['$retainKeys', '$deleteFromPrimitiveList', '$setElementOrder'].includes(directive)) continue;
    delete patch[key];
    delete target[key];
    if (directive === '$retainKeys' && Array.isArray(value) && target !== patch)
      for (const name of Object.keys(target)) if (!value.includes(name)) delete target[name];
    const list = target[field];
    if (directive === '$deleteFromPrimitiveList' && Array.isArray(value) && Array.isArray(list))
      target[field] = list.filter((item) => !value.includes(item));
    if (directive === '$setElementOrder' && Array.isArray(value)) orders.set(field, value);
  }
  return orders;
}

function mergeLists(
  target: unknown[] | null | undefined,
  patch: unknown[] | null | undefined,
  context: MergeContext,
): unknown[] | undefined {
  const keys = context.schema?.keys;
  if (keys === undefined) return patch === undefined ? (target ?? undefined) : (patch ?? undefined);
  if (target === undefined || target === null) return mergeAssociativeList(patch ?? [], patch ?? [], keys, context);
  if (patch === null) return undefined;
  const directive = patch === undefined ? 'merge' : takeListDirective(patch, context.path);
  if (directive === 'delete') return undefined;
  const before = [...target];
  const merged = mergeAssociativeList(directive === 'replace' ? (patch ?? []) : target, patch, keys, context);
  return context.order === undefined ? merged : inElementOrder(merged, context.order, before, keys);
}

/** An item that is nothing but `$patch` speaks for the whole list; it is taken out. */
function takeListDirective(patch: unknown[], path: readonly string[]): string {
  const item = patch.find((one) => isRecord(one) && one['$patch'] !== undefined);
  if (!isRecord(item) || Object.keys(item).length > 1) return 'merge';
  const directive = item['$patch'];
  if (directive !== 'merge' && directive !== 'replace' && directive !== 'delete')
    throw new MergeFault([...path, '$patch'], `should be merge, replace or delete, not '${String(directive)}'`);
  const kept = patch.filter((one) => !(isRecord(one) && one['$patch'] === directive) && !isEmpty(one));
  patch.splice(0, patch.length, ...kept);
  return directive;
}

export function isEmpty(item: unknown): boolean {
  return item === null || item === undefined || (isRecord(item) && Object.keys(item).length === 0);
}
