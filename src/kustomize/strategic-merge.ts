import { builtinSchema } from '../api/builtin/builtin-kinds.ts';
import type { SchemaNode } from '../api/builtin/schema-node.ts';
import { deepEqual, isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';

/**
 * A strategic merge patch: maps merge, lists merge by the key of the kind's schema where it has one, null removes. Gives
 * undefined where the patch deletes the object (`$patch: delete`).
 */
export function mergeStrategically(object: KubeObject, patch: Record<string, unknown>): KubeObject | undefined {
  return mergeMaps(object, patch, builtinSchema(object.apiVersion, object.kind)) as KubeObject | undefined;
}

function mergeMaps(
  target: unknown,
  patch: Record<string, unknown>,
  schema: SchemaNode | undefined,
): Record<string, unknown> | undefined {
  const { $patch, $retainKeys, ...fields } = patch;
  if ($patch === 'delete') return undefined;
  let result: Record<string, unknown> = isRecord(target) && $patch !== 'replace' ? { ...target } : {};
  if (Array.isArray($retainKeys)) {
    result = Object.fromEntries(Object.entries(result).filter(([key]) => $retainKeys.includes(key)));
  }
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith('$setElementOrder/')) continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      removeFromList(result, key.slice('$deleteFromPrimitiveList/'.length), value);
      continue;
    }
    const merged = mergeValue(result[key], value, schema?.properties?.[key] ?? schema?.values);
    if (merged === undefined) delete result[key];
    else result[key] = merged;
  }
  return result;
}

function mergeValue(target: unknown, value: unknown, schema: SchemaNode | undefined): unknown {
  if (value === null) return undefined;
  if (isRecord(value)) return mergeMaps(target, value, schema);
  if (!Array.isArray(value)) return value;
  const mergeKey = schema?.patchMergeKey;
  const merges = schema?.patchStrategy?.includes('merge') === true;
  const replaces = value.some((item) => isRecord(item) && item['$patch'] === 'replace');
  if (!Array.isArray(target) || !merges || replaces) return value.filter((item) => !isDirective(item));
  if (mergeKey === undefined)
    return [...target, ...value.filter((item) => !target.some((known) => deepEqual(known, item)))];
  return mergeLists(target, value, keysOf(mergeKey, schema, [...target, ...value]), schema?.items);
}

/** Ports are told apart by their protocol too, where every item names it. */
function keysOf(mergeKey: string, schema: SchemaNode | undefined, items: readonly unknown[]): readonly string[] {
  const keys = schema?.mapKeys ?? [];
  const complete = keys.every((key) => items.every((item) => isRecord(item) && item[key] !== undefined));
  return keys.length > 1 && complete ? keys : [mergeKey];
}

function isDirective(item: unknown): boolean {
  return isRecord(item) && item['$patch'] !== undefined;
}

function mergeLists(
  target: unknown[],
  patch: unknown[],
  keys: readonly string[],
  items: SchemaNode | undefined,
): unknown[] {
  const rest = [...target];
  const inPatchOrder: unknown[] = [];
  let adds = false;
  const inPlace = [...target];
  for (const item of patch) {
    if (!isRecord(item)) continue;
    const same = (known: unknown) => isRecord(known) && keys.every((key) => deepEqual(known[key], item[key]));
    const index = rest.findIndex(same);
    const merged = mergeMaps(index < 0 ? {} : rest[index], item, items);
    const place = index < 0 ? -1 : inPlace.indexOf(rest[index]);
    if (index < 0) adds ||= merged !== undefined;
    else rest.splice(index, 1);
    if (merged !== undefined) inPatchOrder.push(merged);
    if (place >= 0 && merged === undefined) inPlace.splice(place, 1);
    else if (place >= 0) inPlace[place] = merged;
  }
  // With new items the patch decides the order, and what it does not name comes last.
  return adds ? [...inPatchOrder, ...rest] : inPlace;
}

function removeFromList(target: Record<string, unknown>, key: string, values: unknown): void {
  const list = target[key];
  if (Array.isArray(list) && Array.isArray(values)) target[key] = list.filter((item) => !values.includes(item));
}
