import { deepEqual, isRecord } from '../../base/json.ts';
import { type FieldSet, insert } from './field-set.ts';
import type { ApiSchema } from './schema.ts';

/** The schema of values that nothing is known of: objects merge by field, lists are atomic. */
export const anything: ApiSchema = { preserveUnknown: true };

type Fields = Record<string, unknown>;

export function childSchema(schema: ApiSchema, key: string): ApiSchema {
  return schema.properties?.[key] ?? schema.values ?? anything;
}

export function isAtomic(schema: ApiSchema, value: unknown): boolean {
  if (Array.isArray(value)) return schema.listType !== 'set' && schema.listType !== 'map';
  return !isRecord(value) || schema.mapType === 'atomic';
}

/** Thrown for a list whose items cannot be told apart: a missing or doubled key. */
export class ListKeyError extends Error {}

/** How a list item is addressed: `k:{…}` by its keys, `v:…` by its value. */
export function itemElement(schema: ApiSchema, item: unknown): string {
  if (schema.listType === 'set') return `v:${JSON.stringify(item)}`;
  if (!isRecord(item)) throw new ListKeyError('associative list without keys has an element that is not a map');
  const keys: Fields = {};
  for (const key of [...(schema.mapKeys ?? [])].sort()) {
    const value = item[key] ?? schema.items?.properties?.[key]?.default;
    if (value === undefined && schema.items?.properties?.[key] === undefined) continue;
    if (value !== undefined) keys[key] = value;
  }
  if (Object.keys(keys).length === 0)
    throw new ListKeyError(`element lacks its keys ${(schema.mapKeys ?? []).join(', ')}`);
  return `k:${JSON.stringify(keys)}`;
}

function itemsByElement(schema: ApiSchema, list: unknown): Map<string, unknown> {
  const items = new Map<string, unknown>();
  for (const item of Array.isArray(list) ? list : []) {
    const element = itemElement(schema, item);
    if (items.has(element)) throw new ListKeyError(`duplicate entries for key ${element.slice(2)}`);
    items.set(element, item);
  }
  return items;
}

/** The fields that an applied configuration names, as the real server collects them for `Apply` entries. */
export function fieldsOf(value: unknown, schema: ApiSchema): FieldSet {
  const set: FieldSet = {};
  collect(value, schema, [], set);
  return set;
}

function collect(value: unknown, schema: ApiSchema, path: string[], set: FieldSet): void {
  if (isAtomic(schema, value)) {
    if (path.length > 0) insert(set, path);
    return;
  }
  if (Array.isArray(value)) {
    for (const [element, item] of itemsByElement(schema, value)) {
      const itemPath = [...path, element];
      collect(item, schema.items ?? anything, itemPath, set);
      insert(set, itemPath);
    }
    return;
  }
  for (const [key, child] of Object.entries(value as Fields)) {
    const childPath = [...path, `f:${key}`];
    collect(child, childSchema(schema, key), childPath, set);
    const isNamed = schema.properties?.[key] !== undefined;
    if ((isRecord(child) && Object.keys(child).length === 0) || !isNamed) insert(set, childPath);
  }
}

/** What became of each field between two values. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

export function compare(before: unknown, after: unknown, schema: ApiSchema): Comparison {
  const result: Comparison = { added: {}, modified: {}, removed: {} };
  compareAt(before, after, schema, [], result);
  return result;
}

function compareAt(before: unknown, after: unknown, schema: ApiSchema, path: string[], result: Comparison): void {
  if (before === undefined && after === undefined) return;
  const shape = after ?? before;
  if (
    isAtomic(schema, shape) ||
    (before !== undefined && after !== undefined && Array.isArray(before) !== Array.isArray(after))
  ) {
    if (before === undefined) insert(result.added, path);
    else if (after === undefined) insert(result.removed, path);
    else if (!deepEqual(before, after)) insert(result.modified, path);
    return;
  }
  if (Array.isArray(shape)) {
    compareLists(before, after, schema, path, result);
    return;
  }
  if (before === undefined && path.length > 0) insert(result.added, path);
  if (after === undefined && path.length > 0) insert(result.removed, path);
  const [left, right] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const property = schema.properties?.[key];
    compareAt(
      before === undefined ? undefined : present(left[key], right[key], property),
      after === undefined ? undefined : present(right[key], left[key], property),
      property ?? schema.values ?? anything,
      [...path, `f:${key}`],
      result,
    );
  }
}

/** A part that is always there counts as an empty one where it is left out. */
function present(value: unknown, other: unknown, property: ApiSchema | undefined): unknown {
  // Only the built-in kinds, which have names, have such parts; a default of a CRD is written when it is missing.
  if (value !== undefined || property?.definition === undefined || !isRecord(other)) return value;
  return isRecord(property.default) && Object.keys(property.default).length === 0 ? {} : value;
}

function compareLists(before: unknown, after: unknown, schema: ApiSchema, path: string[], result: Comparison): void {
  const [left, right] = [itemsByElement(schema, before), itemsByElement(schema, after)];
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const itemPath = [...path, element];
    if (!left.has(element)) insert(result.added, itemPath);
    else if (!right.has(element)) insert(result.removed, itemPath);
    if (schema.listType === 'map')
      compareAt(left.get(element), right.get(element), schema.items ?? anything, itemPath, result);
  }
}

/** The configuration laid over the live value, by the merge rules of the schema. */
export function mergeValues(live: unknown, config: unknown, schema: ApiSchema): unknown {
  if (config === undefined) return live;
  if (live === undefined || isAtomic(schema, config) || isAtomic(schema, live)) return config;
  if (Array.isArray(config)) return Array.isArray(live) ? mergeLists(live, config, schema) : config;
  if (!isRecord(config) || !isRecord(live)) return config;
  const merged: Fields = { ...live };
  for (const [key, value] of Object.entries(config))
    merged[key] = mergeValues(live[key], value, childSchema(schema, key));
  return merged;
}

/** Items of the live list keep their places around those of the configuration, which keep their order. */
function mergeLists(live: unknown[], config: unknown[], schema: ApiSchema): unknown[] {
  const [left, right] = [itemsByElement(schema, live), itemsByElement(schema, config)];
  const pending = [...right.keys()];
  const merged: unknown[] = [];
  const emit = (element: string) =>
    merged.push(mergeValues(left.get(element), right.get(element), schema.items ?? anything));
  for (const element of left.keys()) {
    if (!right.has(element)) {
      merged.push(left.get(element));
      continue;
    }
    const index = pending.indexOf(element);
    for (const before of pending.splice(0, index + 1)) emit(before);
  }
  for (const element of pending) emit(element);
  return merged;
}

/** Takes away what `last` had and no owner has any more; `owners` are the sets of every manager, the new one included. */
export function prune(value: unknown, last: FieldSet, owners: readonly FieldSet[], schema: ApiSchema): unknown {
  if (isAtomic(schema, value)) return value;
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const element = itemElement(schema, item);
      const node = last[element];
      if (node === undefined) return [item];
      const remaining = at(owners, element);
      return remaining.length === 0 ? [] : [prune(item, node, remaining, schema.items ?? anything)];
    });
  }
  const result: Fields = { ...(value as Fields) };
  for (const [element, node] of Object.entries(last)) {
    const key = element.slice(2);
    if (!element.startsWith('f:') || !(key in result)) continue;
    const remaining = at(owners, element);
    if (remaining.length === 0) delete result[key];
    else result[key] = prune(result[key], node, remaining, childSchema(schema, key));
  }
  return result;
}

function at(owners: readonly FieldSet[], element: string): FieldSet[] {
  return owners.flatMap((owner) => owner[element] ?? []);
}
