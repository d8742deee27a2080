import { z } from 'zod';
import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import type { KindDefinition } from './kind.ts';

type Schema = Record<string, unknown>;

/** The CustomResourceDefinition of a kind. */
export function crdOf(definition: KindDefinition): KubeObject {
  const { group, kind, plural, singular, shortNames, categories, annotations } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, ...(annotations === undefined ? {} : { annotations: { ...annotations } }) },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        categories: [...categories],
        ...(shortNames === undefined ? {} : { shortNames: [...shortNames] }),
      },
      scope: 'Namespaced',
      versions: definition.versions.map((version, index) => crdVersion(definition, version, index === 0)),
    },
  };
}

function crdVersion(definition: KindDefinition, name: string, storage: boolean): Schema {
  return {
    name,
    served: true,
    storage,
    additionalPrinterColumns: definition.printerColumns.map((column) => ({ ...column })),
    schema: { openAPIV3Schema: objectSchema(definition) },
    ...(definition.status === undefined ? {} : { subresources: { status: {} } }),
  };
}

function objectSchema(definition: KindDefinition): Schema {
  const status = definition.status === undefined ? undefined : structuralSchema(definition.status);
  if (status !== undefined && definition.statusDefault !== undefined)
    status['default'] = { ...definition.statusDefault };
  return {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(definition.spec),
      ...(status === undefined ? {} : { status }),
    },
    ...(definition.rules === undefined
      ? {}
      : { 'x-kubernetes-validations': definition.rules.map(([rule, message]) => ({ rule, message })) }),
  };
}

/** A zod schema as a structural OpenAPI v3 schema, the subset of JSON Schema that CRDs take. */
export function structuralSchema(schema: z.ZodType): Schema {
  return structural(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }) as Schema);
}

/** Limits that the JSON Schema conversion adds to every integer; they are JavaScript's, not the API's. */
const javascriptLimits = new Set([Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);

const keptAsTheyAre = new Set([
  'type',
  'format',
  'enum',
  'default',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'nullable',
]);

function structural(node: Schema): Schema {
  const result: Schema = {};
  for (const [key, value] of Object.entries(node)) {
    if ((key === 'minimum' || key === 'maximum') && javascriptLimits.has(value as number)) continue;
    // A regular expression literal has to escape slashes, the API's patterns do not.
    if (key === 'pattern') result[key] = String(value).replaceAll('\\/', '/');
    else if (keptAsTheyAre.has(key) || key.startsWith('x-kubernetes-')) result[key] = value;
  }
  if (isRecord(node['items'])) result['items'] = structural(node['items']);
  if (isRecord(node['additionalProperties'])) result['additionalProperties'] = structural(node['additionalProperties']);
  if (isRecord(node['properties'])) {
    const entries = Object.entries(node['properties']) as [string, Schema][];
    result['properties'] = Object.fromEntries(entries.map(([name, property]) => [name, structural(property)]));
    const required = new Set(Array.isArray(node['required']) ? (node['required'] as string[]) : []);
    for (const [name, property] of entries) if (property['requiredDespiteDefault'] === true) required.add(name);
    if (required.size > 0) result['required'] = [...required].sort();
  }
  return result;
}
