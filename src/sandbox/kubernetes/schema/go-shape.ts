import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { isRecord } from '../../../base/json.ts';
import { canonicalQuantity } from './quantity.ts';

/** What decoding found: fields that the type does not have, and the first value that does not fit its field. */
export interface DecodeFaults {
  unknownFields: string[];
  mismatch: string | undefined;
}

/**
 * Gives a built-in object the form that it has after a round trip through its Go type: unknown fields dropped, nulls and
 * empty optional values left out, structs always there, quantities and times canonical.
 */
export function goShape(node: SchemaNode, value: unknown, faults: DecodeFaults): Record<string, unknown> {
  return shapeStruct(node, isRecord(value) ? value : {}, '', faults);
}

interface StructFacts {
  /** Fields that are printed although nothing was given, with what is printed. */
  always: readonly [field: string, zero: 'struct' | unknown, child: SchemaNode][];
}

const factsByNode = new WeakMap<SchemaNode, StructFacts>();

function structFacts(node: SchemaNode): StructFacts {
  const known = factsByNode.get(node);
  if (known !== undefined) return known;
  const always: [string, unknown, SchemaNode][] = [];
  for (const [field, child] of Object.entries(node.properties ?? {})) {
    if (child.go === 'pointer' || child.go === 'optional') continue;
    if (child.go === 'always') always.push([field, alwaysZero(child), child]);
    else if (child.default !== undefined) {
      const isStruct = isRecord(child.default) && child.properties !== undefined;
      if (isStruct || typeof child.default !== 'object')
        always.push([field, isStruct ? 'struct' : zeroOf(child), child]);
    }
  }
  const facts = { always };
  factsByNode.set(node, facts);
  return facts;
}

/** What a field prints that has neither a value nor `omitempty`. */
function alwaysZero(child: SchemaNode): unknown {
  if (child.format === 'int-or-string') return 0;
  if (child.definition?.endsWith('.Quantity')) return '0';
  return null;
}

function zeroOf(child: SchemaNode): unknown {
  if (child.type === 'string') return '';
  return child.type === 'boolean' ? false : 0;
}

function shapeStruct(
  node: SchemaNode,
  value: Record<string, unknown>,
  path: string,
  faults: DecodeFaults,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field in value) {
    const child = node.properties?.[field];
    if (child === undefined) {
      faults.unknownFields.push(path === '' ? field : `${path}.${field}`);
      continue;
    }
    const shaped = shapeField(child, value[field], path === '' ? field : `${path}.${field}`, node, faults);
    if (shaped !== undefined) result[field] = shaped;
  }
  for (const [field, zero, child] of structFacts(node).always) {
    if (result[field] !== undefined) continue;
    result[field] = zero === 'struct' ? shapeStruct(child, {}, `${path}.${field}`, faults) : zero;
  }
  return result;
}

/** The printed value of a field; undefined where Go would leave it out. */
function shapeField(child: SchemaNode, value: unknown, path: string, owner: SchemaNode, faults: DecodeFaults): unknown {
  if (value === null || value === undefined) return undefined;
  const shaped = shapeValue(child, value, path, owner, faults);
  if (child.go === 'pointer' || child.go === 'always') return shaped;
  switch (child.type) {
    case 'string':
      return shaped === '' ? undefined : shaped;
    case 'integer':
    case 'number':
      return shaped === 0 ? undefined : shaped;
    case 'boolean':
      return shaped === false ? undefined : shaped;
    case 'array':
      return Array.isArray(shaped) && shaped.length === 0 ? undefined : shaped;
    case 'object':
      return child.values !== undefined && isEmptyRecord(shaped) ? undefined : shaped;
    default:
      return shaped;
  }
}

function isEmptyRecord(value: unknown): boolean {
  if (!isRecord(value)) return false;
  for (const _ in value) return false;
  return true;
}

function shapeValue(node: SchemaNode, value: unknown, path: string, owner: SchemaNode, faults: DecodeFaults): unknown {
  switch (node.type) {
    case 'object':
      return shapeObject(node, value, path, owner, faults);
    case 'array':
      if (!Array.isArray(value)) return mismatch(node, value, path, owner, faults);
      return shapeItems(node, value, path, owner, faults);
    case 'string':
      if (typeof value !== 'string') return mismatch(node, value, path, owner, faults);
      return shapeText(node, value);
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) return mismatch(node, value, path, owner, faults);
      return value;
    case 'number':
      return typeof value === 'number' ? value : mismatch(node, value, path, owner, faults);
    case 'boolean':
      return typeof value === 'boolean' ? value : mismatch(node, value, path, owner, faults);
    default:
      return node.oneOf === undefined ? value : shapeScalar(node, value, path, owner, faults);
  }
}

function shapeObject(node: SchemaNode, value: unknown, path: string, owner: SchemaNode, faults: DecodeFaults): unknown {
  if (!isRecord(value)) {
    const open = node.properties === undefined && node.values === undefined;
    return open ? value : mismatch(node, value, path, owner, faults);
  }
  if (node.properties !== undefined) return shapeStruct(node, value, path, faults);
  const { values } = node;
  if (values === undefined) return value;
  const result: Record<string, unknown> = {};
  for (const key in value) {
    const item = value[key];
    // A null value of a map is the zero value of its type.
    if (item === null) result[key] = values.type === 'string' ? '' : values.type === 'array' ? null : {};
    else result[key] = shapeValue(values, item, path, owner, faults);
  }
  return result;
}

function shapeItems(
  node: SchemaNode,
  list: unknown[],
  path: string,
  owner: SchemaNode,
  faults: DecodeFaults,
): unknown[] {
  const { items } = node;
  if (items === undefined) return list;
  if (items.type === 'object' && items.properties !== undefined) {
    return list.map((item, index) => {
      const at = `${path}[${index}]`;
      if (item === null) return shapeStruct(items, {}, at, faults);
      return isRecord(item) ? shapeStruct(items, item, at, faults) : mismatch(items, item, path, owner, faults);
    });
  }
  return list.map((item) => shapeValue(items, item ?? (items.type === 'string' ? '' : item), path, owner, faults));
}

function shapeScalar(node: SchemaNode, value: unknown, path: string, owner: SchemaNode, faults: DecodeFaults): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return mismatch(node, value, path, owner, faults);
  if (node.format === 'int-or-string') return value;
  const canonical = canonicalQuantity(value);
  if (canonical !== undefined) return canonical;
  faults.mismatch ??= "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  return value;
}

const wholeSecondsUtc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

function shapeText(node: SchemaNode, value: string): string {
  if (node.format !== 'date-time' || wholeSecondsUtc.test(value)) {
    return node.definition?.endsWith('.MicroTime') ? value.replace(/(:\d\d)Z$/, '$1.000000Z') : value;
  }
  const time = new Date(value);
  if (Number.isNaN(time.getTime())) return value;
  const seconds = time.toISOString().slice(0, 19);
  if (!node.definition?.endsWith('.MicroTime')) return `${seconds}Z`;
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? '';
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

function mismatch(node: SchemaNode, value: unknown, path: string, owner: SchemaNode, faults: DecodeFaults): unknown {
  const field = path.replaceAll(/\[\d+\]/g, '');
  const type = owner.definition?.split('.').at(-1) ?? '';
  faults.mismatch ??= `json: cannot unmarshal ${jsonType(value)} into Go struct field ${type}.${field} of type ${goType(node)}`;
  return value;
}

/** The type of a JSON value as Go's decoder names it. */
export function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return isRecord(value) ? 'object' : typeof value;
}

function goType(node: SchemaNode): string {
  switch (node.type) {
    case 'integer':
      return node.format ?? 'int32';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${node.items === undefined ? 'interface {}' : goType(node.items)}`;
    case 'object':
      if (node.values !== undefined) return `map[string]${goType(node.values)}`;
      return node.definition?.split('.').slice(-2).join('.') ?? 'map[string]interface {}';
    default:
      return 'string';
  }
}
