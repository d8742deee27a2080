import { builtinDefinition } from '../../../api/builtin/builtin-kinds.ts';
import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { isRecord } from '../../../base/json.ts';
import type { DecodeFaults } from './go-shape.ts';

/** A structural schema as a CustomResourceDefinition writes it (`openAPIV3Schema`). */
export type StructuralSchema = Readonly<Record<string, unknown>>;

const scalarTypes = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean']);

/** The schema node of a structural schema, for ownership, defaults and pruning. */
export function compileSchema(schema: StructuralSchema): SchemaNode {
  const { type, properties, additionalProperties, items, required, description, format } = schema;
  const listType = schema['x-kubernetes-list-type'];
  const mapKeys = schema['x-kubernetes-list-map-keys'];
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true ? objectFields() : {};
  const declared = isRecord(properties) ? compileAll(properties) : undefined;
  return {
    ...(intOrString && { oneOf: ['integer', 'string'], format: 'int-or-string' }),
    ...(!intOrString && scalarTypes.has(String(type)) && { type: type as NonNullable<SchemaNode['type']> }),
    ...(typeof description === 'string' && { description }),
    ...(typeof format === 'string' && { format }),
    ...(declared && { properties: Object.assign(declared, embedded) }),
    ...(isRecord(additionalProperties) && { values: compileSchema(additionalProperties) }),
    ...(additionalProperties === true && { values: {} }),
    ...(isRecord(items) && { items: compileSchema(items) }),
    ...(Array.isArray(required) && { required: required as string[] }),
    ...(typeof listType === 'string' && { listType: listType as NonNullable<SchemaNode['listType']> }),
    ...(Array.isArray(mapKeys) && { mapKeys: mapKeys as string[] }),
    ...(schema['x-kubernetes-map-type'] === 'atomic' && { mapType: 'atomic' as const }),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true && { preserveUnknown: true }),
    ...(schema['nullable'] === true && { nullable: true }),
    ...(schema['default'] !== undefined && { default: schema['default'] }),
    ...(Array.isArray(schema['enum']) && { enum: schema['enum'] }),
  };
}

function compileAll(properties: Record<string, unknown>): Record<string, SchemaNode> {
  const result: Record<string, SchemaNode> = Object.create(null);
  for (const [name, property] of Object.entries(properties)) {
    if (isRecord(property)) result[name] = compileSchema(property);
  }
  return result;
}

/** Type and metadata, which objects of every kind have. */
function objectFields(): Record<string, SchemaNode> {
  const metadata = builtinDefinition('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta') ?? {};
  return { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata };
}

/** The schema of a custom kind as a whole: its own fields and those of every object. */
export function compileKind(schema: StructuralSchema): SchemaNode {
  const node = compileSchema(schema);
  const properties: Record<string, SchemaNode> = Object.assign(Object.create(null), node.properties, objectFields());
  return { ...node, type: 'object', properties };
}

/** A copy without the fields that the schema does not declare; their paths are reported. */
export function pruneUnknown(node: SchemaNode, value: unknown, path: string, faults: DecodeFaults): unknown {
  if (Array.isArray(value)) {
    const { items } = node;
    return items === undefined
      ? value
      : value.map((item, index) => pruneUnknown(items, item, `${path}[${index}]`, faults));
  }
  if (!isRecord(value)) return value;
  const { properties, values } = node;
  const keepsAll =
    node.preserveUnknown === true || (properties === undefined && values === undefined && node.type === undefined);
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const child = properties?.[key] ?? values;
    const at = path === '' ? key : `${path}.${key}`;
    if (child !== undefined) result[key] = pruneUnknown(child, item, at, faults);
    else if (keepsAll) result[key] = item;
    else faults.unknownFields.push(at);
  }
  return result;
}

/** Fills in the defaults of a pruned value, in place of absent fields and of nulls that the schema does not allow. */
export function fillDefaults(node: SchemaNode, value: unknown): void {
  if (Array.isArray(value)) {
    if (node.items !== undefined) for (const item of value) fillDefaults(node.items, item);
    return;
  }
  if (!isRecord(value)) return;
  const { properties, values } = node;
  for (const name in properties) {
    const child = properties[name] as SchemaNode;
    const isUnset = value[name] === undefined || (value[name] === null && child.nullable !== true);
    if (isUnset && child.default !== undefined) value[name] = structuredClone(child.default);
    if (value[name] !== undefined) fillDefaults(child, value[name]);
  }
  if (values === undefined) return;
  for (const key in value) if (properties?.[key] === undefined) fillDefaults(values, value[key]);
}
