import { isRecord } from '../../base/json.ts';
import type { ApiSchema } from './schema.ts';

/** A structural schema as a CRD writes it. */
export type OpenApiSchema = Readonly<Record<string, unknown>>;

/** The schema of a CRD's structural schema, for merging, defaulting and pruning. */
export function compileOpenApi(schema: OpenApiSchema): ApiSchema {
  const { properties, additionalProperties, items, required } = schema;
  const listType = schema['x-kubernetes-list-type'] as ApiSchema['listType'];
  const mapKeys = schema['x-kubernetes-list-map-keys'];
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  return {
    ...(isIntOrString ? { oneOf: ['integer', 'string'] } : {}),
    ...(typeof schema['type'] === 'string' && !isIntOrString ? { type: schema['type'] as ApiSchema['type'] } : {}),
    ...(isRecord(properties) ? { properties: compileAll(properties) } : {}),
    ...(isRecord(additionalProperties) ? { values: compileOpenApi(additionalProperties) } : {}),
    ...(additionalProperties === true ? { values: { preserveUnknown: true } } : {}),
    ...(isRecord(items) ? { items: compileOpenApi(items) } : {}),
    ...(Array.isArray(required) ? { required: required as string[] } : {}),
    ...(listType === undefined ? {} : { listType }),
    ...(Array.isArray(mapKeys) ? { mapKeys: mapKeys as string[] } : {}),
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { mapType: 'atomic' as const } : {}),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true ? { preserveUnknown: true } : {}),
    ...(schema['nullable'] === true ? { nullable: true } : {}),
    ...(schema['default'] === undefined ? {} : { default: schema['default'] }),
  };
}

function compileAll(properties: Record<string, unknown>): Record<string, ApiSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, compileOpenApi(property as OpenApiSchema)]),
  );
}

/** Fills in defaults, in place of absent fields and of nulls that are not allowed. */
export function applyDefaults(value: unknown, schema: ApiSchema): unknown {
  if (Array.isArray(value))
    return schema.items === undefined ? value : value.map((item) => applyDefaults(item, schema.items as ApiSchema));
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isUnset = result[name] === undefined || (result[name] === null && property.nullable !== true);
    if (isUnset && property.default !== undefined) result[name] = structuredClone(property.default);
    if (result[name] !== undefined) result[name] = applyDefaults(result[name], property);
  }
  if (schema.values !== undefined) {
    for (const key of Object.keys(result)) {
      if (schema.properties?.[key] === undefined) result[key] = applyDefaults(result[key], schema.values);
    }
  }
  return result;
}

/** Drops what the schema does not know; the dropped paths are added to `unknown`. */
export function dropUnknown(value: unknown, schema: ApiSchema, path = '', unknown: string[] = []): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? value
      : value.map((item, index) => dropUnknown(item, items, `${path}[${index}]`, unknown));
  }
  if (!isRecord(value) || (schema.properties === undefined && schema.values === undefined)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    const childPath = path === '' ? key : `${path}.${key}`;
    const known = schema.properties?.[key] ?? schema.values;
    if (known !== undefined) result[key] = dropUnknown(child, known, childPath, unknown);
    else if (schema.preserveUnknown === true) result[key] = child;
    else unknown.push(childPath);
  }
  return result;
}
