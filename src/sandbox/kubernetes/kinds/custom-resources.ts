import { builtinDefinition } from '../../../api/builtin/builtin-kinds.ts';
import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { deepEqual, isRecord, textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { items, struct } from '../defaults/fields.ts';
import { type FieldError, invalidValue } from '../errors/field-error.ts';
import { celFaults, hasRules } from '../schema/cel-rules.ts';
import { goShape } from '../schema/go-shape.ts';
import { compileKind, fillDefaults, pruneUnknown, type StructuralSchema } from '../schema/structural-schema.ts';
import { listTypeFaults, schemaFaults } from '../schema/structural-validation.ts';
import { customColumns } from '../tables/custom-columns.ts';
import { subdomainFault } from '../validation/formats.ts';
import { metadataFaults, metadataUpdateFaults } from '../validation/metadata.ts';
import { compareVersions } from './registry.ts';
import type { Behaviour, Resource } from './resource.ts';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/** The resources that a CustomResourceDefinition serves, the preferred version first. */
export function customResources(definition: KubeObject): Resource[] {
  const spec = struct(definition, 'spec') ?? {};
  const versions = items(spec, 'versions').filter((version) => version['served'] === true);
  const stored = items(spec, 'versions').find((version) => version['storage'] === true);
  return versions
    .sort((a, b) => compareVersions(String(a['name']), String(b['name'])))
    .map((version) => customResource(spec, version, String(stored?.['name'] ?? version['name'])));
}

function customResource(
  spec: Record<string, unknown>,
  version: Record<string, unknown>,
  storedVersion: string,
): Resource {
  const group = textAt(spec, 'group') ?? '';
  const names = struct(spec, 'names') ?? {};
  const kind = textAt(names, 'kind') ?? '';
  const plural = textAt(names, 'plural') ?? '';
  const name = textAt(version, 'name') ?? '';
  const apiVersion = `${group}/${name}`;
  const structural = (valueAt(version, 'schema', 'openAPIV3Schema') ?? {}) as StructuralSchema;
  const schema = compileKind(structural);
  const subresources = Object.keys(struct(version, 'subresources') ?? {});
  const namespaced = spec['scope'] !== 'Cluster';
  const withVersion = (target: string) => (object: KubeObject) =>
    object.apiVersion === target ? object : { ...object, apiVersion: target };
  return {
    group,
    version: name,
    apiVersion,
    kind,
    listKind: textAt(names, 'listKind') ?? `${kind}List`,
    plural,
    singular: textAt(names, 'singular') ?? kind.toLowerCase(),
    shortNames: (names['shortNames'] ?? []) as string[],
    categories: (names['categories'] ?? []) as string[],
    namespaced,
    verbs,
    subresources,
    selectableFields: items(version, 'selectableFields').map(({ jsonPath }) => String(jsonPath).replace(/^\./, '')),
    columns: customColumns(version),
    scalePaths: struct(version, 'subresources', 'scale') as Resource['scalePaths'],
    storage: `${group}/${plural}`,
    schema,
    behaviour: customBehaviour(schema, structural, subresources.includes('status'), namespaced),
    toStored: withVersion(`${group}/${storedVersion}`),
    fromStored: withVersion(apiVersion),
  };
}

function customBehaviour(
  schema: SchemaNode,
  structural: StructuralSchema,
  hasStatus: boolean,
  namespaced: boolean,
): Behaviour {
  const objectMeta = builtinDefinition('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta') ?? {};
  const rules = hasRules(structural);
  return {
    decode(value, faults) {
      const { apiVersion, kind, metadata, ...fields } = value;
      const metadataFaults = { unknownFields: [] as string[], mismatch: undefined };
      const shaped = goShape(objectMeta, metadata, metadataFaults);
      for (const field of metadataFaults.unknownFields) faults.unknownFields.push(`metadata.${field}`);
      faults.mismatch ??= metadataFaults.mismatch;
      const pruned = pruneUnknown(schema, fields, '', faults) as Record<string, unknown>;
      return { apiVersion, kind, metadata: shaped, ...pruned } as unknown as KubeObject;
    },
    applyDefaults: (object) => fillDefaults(withoutMetadata(schema), object),
    prepareForCreate: (object) => {
      if (hasStatus) fillDefaults(withoutMetadata(schema), object);
    },
    prepareForUpdate: () => {},
    validate: (object) => [
      ...metadataFaults(object, namespaced, subdomainFault),
      ...fieldFaults(structural, rules, object, undefined),
    ],
    validateUpdate: (object, old) => [
      ...metadataUpdateFaults(object, old),
      ...(rules ? transitionFaults(structural, object, old) : []),
    ],
    hasGeneration: true,
    changesGeneration: (object, old) => !deepEqual(counted(object, hasStatus), counted(old, hasStatus)),
    hasStatus,
    initialStatus: undefined,
    statusUpdate: (object, old) => {
      const { status: _, ...rest } = old;
      const { managedFields } = object.metadata;
      const metadata = { ...old.metadata, ...(managedFields && { managedFields }) };
      return { ...rest, metadata, ...(object['status'] !== undefined && { status: object['status'] }) } as KubeObject;
    },
    resetFields: {
      main: hasStatus ? { 'f:status': {} } : {},
      status: { 'f:metadata': {}, ...Object.fromEntries(otherFields(schema).map((name) => [`f:${name}`, {}])) },
    },
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: false,
    returnsDeleted: false,
    defaultPropagation: 'Background',
    custom: true,
  };
}

function otherFields(schema: SchemaNode): string[] {
  return Object.keys(schema.properties ?? {}).filter(
    (name) => !['apiVersion', 'kind', 'metadata', 'status'].includes(name),
  );
}

const bare = new WeakMap<SchemaNode, SchemaNode>();

/** The schema without metadata, whose defaults are not those of a struct here. */
function withoutMetadata(schema: SchemaNode): SchemaNode {
  let node = bare.get(schema);
  if (node === undefined) {
    const { metadata: _, ...properties } = schema.properties ?? {};
    node = { ...schema, properties };
    bare.set(schema, node);
  }
  return node;
}

/** The fields whose changes make a new generation: all but metadata and, where it is a subresource, status. */
function counted({ metadata: _, status, ...fields }: KubeObject, hasStatus: boolean): unknown {
  return hasStatus ? fields : { ...fields, status };
}

const unchecked =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
const blocking = new Set<FieldError['reason']>([
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
  'FieldValueNotSupported',
]);

function fieldFaults(
  schema: StructuralSchema,
  rules: boolean,
  object: KubeObject,
  old: KubeObject | undefined,
): FieldError[] {
  const faults = [...schemaFaults(schema, object, ''), ...listTypeFaults(schema, object, '')];
  if (!rules) return faults;
  if (faults.some(({ reason }) => blocking.has(reason)))
    return [...faults, invalidValue('<nil>', undefined, unchecked)];
  return [...faults, ...celFaults(schema, object, old, '')];
}

/** The faults of rules that compare with the former state; the others are found by the plain check. */
function transitionFaults(schema: StructuralSchema, object: KubeObject, old: KubeObject): FieldError[] {
  const alone = new Set(celFaults(schema, object, undefined, '').map((fault) => JSON.stringify(fault)));
  return celFaults(schema, object, old, '').filter((fault) => isRecord(fault) && !alone.has(JSON.stringify(fault)));
}
