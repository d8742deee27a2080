import { childNode, type SchemaNode } from '../../../api/builtin/schema-node.ts';
import { deepEqual, isRecord } from '../../../base/json.ts';
import { PatchFault } from './json-patch.ts';

type Fields = Record<string, unknown>;

const directive = '$patch';
const deleteFromPrimitives = '$deleteFromPrimitiveList/';
const setOrder = '$setElementOrder/';
const retainKeys = '$retainKeys';

/**
 * Applies a strategic merge patch: as a JSON merge patch, but lists with a merge key (or of merged scalars) merge by item,
 * and `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…` are obeyed. Neither operand is changed.
 */
export function applyStrategicPatch(node: SchemaNode | undefined, value: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  return mergeFields(node, isRecord(value) ? value : {}, patch);
}

function mergeFields(node: SchemaNode | undefined, value: Fields, patch: Fields): Fields {
  if (patch[directive] === 'replace') return withoutDirectives(patch);
  if (patch[directive] === 'delete') return {};
  if (patch[directive] !== undefined && patch[directive] !== 'merge') {
    throw new PatchFault(`Unknown patch type: ${String(patch[directive])} in map: ${JSON.stringify(patch)}`);
  }
  const result: Fields = { ...value };
  const kept = patch[retainKeys];
  if (Array.isArray(kept)) for (const key of Object.keys(result)) if (!kept.includes(key)) delete result[key];

  for (const key in patch) {
    if (key === directive || key === retainKeys || key.startsWith(setOrder)) continue;
    const change = patch[key];
    if (key.startsWith(deleteFromPrimitives)) {
      const field = key.slice(deleteFromPrimitives.length);
      const gone = Array.isArray(change) ? change : [];
      const list = result[field];
      if (Array.isArray(list)) result[field] = list.filter((item) => !gone.some((one) => deepEqual(one, item)));
      continue;
    }
    if (change === null) {
      delete result[key];
      continue;
    }
    result[key] = mergeField(node && childNode(node, key), result[key], change, patch[`${setOrder}${key}`]);
  }
  orderUntouchedLists(node, result, patch);
  return result;
}

/** `$setElementOrder` may come for a list whose items the patch does not change. */
function orderUntouchedLists(node: SchemaNode | undefined, result: Fields, patch: Fields): void {
  for (const key in patch) {
    if (!key.startsWith(setOrder)) continue;
    const field = key.slice(setOrder.length);
    const list = result[field];
    if (patch[field] !== undefined || !Array.isArray(list)) continue;
    result[field] = inOrder(node && childNode(node, field), list, patch[key]);
  }
}

function mergeField(node: SchemaNode | undefined, value: unknown, change: unknown, order: unknown): unknown {
  if (isRecord(change)) return applyStrategicPatch(node, value, change);
  if (!Array.isArray(change)) return change;
  if (!node?.patchStrategy?.split(',').includes('merge')) return change.filter((item) => !isReplaceMark(item));
  const list = Array.isArray(value) ? value : [];
  const key = node.patchMergeKey;
  const merged = key === undefined ? mergeScalars(list, change) : mergeItems(node, key, list, change);
  return inOrder(node, merged, order);
}

function isReplaceMark(item: unknown): boolean {
  return isRecord(item) && item[directive] === 'replace' && Object.keys(item).length === 1;
}

function mergeScalars(list: readonly unknown[], change: readonly unknown[]): unknown[] {
  return [...list, ...change.filter((item) => !list.some((known) => deepEqual(known, item)))];
}

function mergeItems(node: SchemaNode, key: string, list: readonly unknown[], change: readonly unknown[]): unknown[] {
  if (change.some((item) => isRecord(item) && item[directive] === 'replace')) {
    return change.filter((item) => !isReplaceMark(item)).map((item) => withoutDirectives(item as Fields));
  }
  const result = [...list];
  for (const item of change) {
    if (!isRecord(item)) throw new PatchFault(`list item ${JSON.stringify(item)} is not a map`);
    if (item[directive] !== 'delete' && item[key] === undefined) {
      throw new PatchFault(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
    const index = result.findIndex((known) => isRecord(known) && deepEqual(known[key], item[key]));
    if (item[directive] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index < 0) result.push(withoutDirectives(mergeFields(node.items, {}, item)));
    else result[index] = mergeFields(node.items, result[index] as Fields, item);
  }
  return result;
}

/** Puts the items in the order that the patch asks for; items that it does not name keep their place after those before them. */
function inOrder(node: SchemaNode | undefined, list: readonly unknown[], order: unknown): unknown[] {
  if (!Array.isArray(order)) return [...list];
  const key = node?.patchMergeKey;
  const idOf = (item: unknown) => JSON.stringify(key !== undefined && isRecord(item) ? item[key] : item);
  const rank = new Map(order.map((item, index) => [idOf(item), index]));
  let last = -1;
  const ranked = list.map((item, index) => {
    const own = rank.get(idOf(item));
    if (own !== undefined) last = own;
    return { item, rank: own ?? last, known: own !== undefined, index };
  });
  return ranked
    .sort((a, b) => a.rank - b.rank || Number(b.known) - Number(a.known) || a.index - b.index)
    .map(({ item }) => item);
}

function withoutDirectives(fields: Fields): Fields {
  const result: Fields = {};
  for (const key in fields) {
    if (key === directive || key === retainKeys || key.startsWith(setOrder) || key.startsWith(deleteFromPrimitives))
      continue;
    if (fields[key] !== null) result[key] = fields[key];
  }
  return result;
}
