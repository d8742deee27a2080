import { isRecord } from '../../base/json.ts';
import type { ApiSchema } from './schema.ts';

/**
 * What decoding into Go's types and encoding again does to a built-in object: nulls and empty lists and maps vanish, parts
 * that are never absent appear (spec/kubernetes-schema.json marks them with the default `{}`).
 */
export function normaliseBuiltin(value: unknown, schema: ApiSchema): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => normaliseBuiltin(item, items));
  }
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    const property = schema.properties?.[key];
    const childSchema = property ?? schema.values;
    if (child === null) continue;
    if (childSchema !== undefined && schema.properties !== undefined && isDroppedWhenEmpty(child, childSchema))
      continue;
    result[key] = childSchema === undefined ? child : normaliseBuiltin(child, childSchema);
  }
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (result[key] !== undefined || key === 'metadata' || !isRecord(property.default)) continue;
    if (Object.keys(property.default).length === 0) result[key] = normaliseBuiltin({}, property);
  }
  return result;
}

/** Lists, and maps with free keys, are left out when they are empty; objects with named fields are pointers and stay. */
function isDroppedWhenEmpty(value: unknown, schema: ApiSchema): boolean {
  if (Array.isArray(value)) return value.length === 0 && schema.type === 'array';
  return (
    isRecord(value) && Object.keys(value).length === 0 && schema.values !== undefined && schema.properties === undefined
  );
}

/** Fields whose type is not the schema's, as a decoding into Go's types would refuse them: path and wanted type. */
export function wrongType(value: unknown, schema: ApiSchema, path = ''): { path: string; wanted: string } | undefined {
  if (value === null || value === undefined) return undefined;
  const wanted = schema.type;
  if (wanted !== undefined && !isOfType(value, wanted)) return { path, wanted };
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries()) {
      const found = wrongType(item, schema.items, `${path}[${index}]`);
      if (found !== undefined) return found;
    }
  } else if (isRecord(value)) {
    for (const [key, child] of Object.entries(value)) {
      const childSchema = schema.properties?.[key] ?? schema.values;
      const found = childSchema === undefined ? undefined : wrongType(child, childSchema, `${path}.${key}`);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function isOfType(value: unknown, type: NonNullable<ApiSchema['type']>): boolean {
  switch (type) {
    case 'object':
      return isRecord(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
