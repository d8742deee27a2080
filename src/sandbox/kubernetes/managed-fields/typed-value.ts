import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { isRecord } from '../../../base/json.ts';

/** How field ownership treats a value: as one leaf, field by field, or item by item. */
export type Shape = 'leaf' | 'map' | 'list';

/** A node that says nothing: maps merge by key, lists are replaced whole. */
const anything: SchemaNode = {};

/** True where the schema leaves the type open and it is read off the value. */
export function isOpen(node: SchemaNode): boolean {
  if (node.oneOf !== undefined || node.enum !== undefined) return false;
  if (node.type === undefined) return true;
  return node.type === 'object' && node.properties === undefined && node.values === undefined;
}

/** The shape of a value under its node; null takes the shape that the node has. */
export function shapeOf(node: SchemaNode, value: unknown): Shape {
  if (node.type === 'array') {
    return node.listType === 'map' || node.listType === 'set' ? 'list' : 'leaf';
  }
  if (node.type === 'object') return node.mapType === 'atomic' ? 'leaf' : 'map';
  return node.oneOf === undefined && isRecord(value) ? 'map' : 'leaf';
}

/** The node of a field or map key; undefined where the schema does not declare it. */
export function fieldNode(node: SchemaNode, key: string): SchemaNode | undefined {
  return (
    node.properties?.[key] ?? node.values ?? (node.preserveUnknown === true || isOpen(node) ? anything : undefined)
  );
}

/** The node of a list's items. */
export function itemNode(node: SchemaNode): SchemaNode {
  return node.items ?? anything;
}

/**
 * The path element that identifies an item of a `map` or `set` list: `k:{"name":"main"}`, `v:"x"`. Keys that the item leaves
 * out are taken from the schema's defaults; undefined where there is none.
 */
export function itemElement(list: SchemaNode, item: unknown): string | undefined {
  if (list.listType === 'set') return `v:${JSON.stringify(item)}`;
  if (!isRecord(item)) return undefined;
  const keys = sortedKeys(list);
  if (keys.length === 1) {
    const [key = ''] = keys;
    const value = item[key] ?? keyDefault(list, key);
    return value === undefined ? undefined : `k:{${JSON.stringify(key)}:${JSON.stringify(value)}}`;
  }
  const parts: string[] = [];
  for (const key of keys) {
    const value = item[key] ?? keyDefault(list, key);
    if (value !== undefined && value !== null) parts.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
  }
  return parts.length === 0 ? undefined : `k:{${parts.join(',')}}`;
}

function keyDefault(list: SchemaNode, key: string): unknown {
  return list.items?.properties?.[key]?.default;
}

const keysInOrder = new WeakMap<SchemaNode, readonly string[]>();

function sortedKeys(list: SchemaNode): readonly string[] {
  let keys = keysInOrder.get(list);
  if (keys === undefined) {
    keys = [...(list.mapKeys ?? [])].sort();
    keysInOrder.set(list, keys);
  }
  return keys;
}

/** The key of a list item that is missing and has no default, for error messages. */
export function missingKey(list: SchemaNode, item: unknown): string | undefined {
  return sortedKeys(list).find((key) => (isRecord(item) ? item[key] : undefined) === undefined);
}

/** A path as the API prints it: `.spec.containers[name="main"].image`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: string): string {
  const text = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${text}`;
    case 'v':
      return `[=${text}]`;
    case 'k':
      return `[${Object.entries(JSON.parse(text) as Record<string, unknown>)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    default:
      return `[${text}]`;
  }
}
