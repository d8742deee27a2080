import { isRecord } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { defaultBuiltin } from './builtin-defaults.ts';
import { builtinFaults, metadataFaults } from './builtin-validation.ts';
import { applyDefaults, dropUnknown } from './crd-schema.ts';
import { schemaFaults } from './crd-validation.ts';
import { normaliseBuiltin, wrongType } from './normalise.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { badRequest, invalidObject } from './status.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** A body as an object of the resource: of the right kind, with known fields only. Unknown ones are refused or warned of. */
export function decodeBody(
  resource: Resource,
  body: unknown,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  const apiVersion = apiVersionOf(resource);
  if (!isRecord(body)) throw badRequest(`the body of the request is not an object`);
  const object = {
    ...body,
    apiVersion: body['apiVersion'] ?? apiVersion,
    kind: body['kind'] ?? resource.kind,
  } as KubeObject;
  if (object.kind !== resource.kind || object.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`,
    );
  }
  object.metadata = isRecord(object.metadata) ? { ...object.metadata } : ({} as KubeObject['metadata']);
  const handled = `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}`;
  if (!resource.isCustom) {
    const wrong = wrongType(object, resource.schema);
    if (wrong !== undefined) {
      throw badRequest(
        `${handled}: json: cannot unmarshal into Go struct field ${resource.kind}${wrong.path} of type ${wrong.wanted}`,
      );
    }
  }
  const unknown: string[] = [];
  const known = dropUnknown(object, resource.schema, '', unknown) as KubeObject;
  if (unknown.length > 0 && validation === 'Strict') {
    const listed = unknown.map((field) => `unknown field "${field}"`).join(', ');
    throw badRequest(`${handled}: strict decoding error: ${listed}`);
  }
  if (validation === 'Warn') warnings.push(...unknown.map((field) => `unknown field "${field}"`));
  return known;
}

/** The object with defaults, in the form in which it is stored. */
export function completeObject(resource: Resource, object: KubeObject): KubeObject {
  if (resource.isCustom) {
    const { metadata, ...rest } = object;
    const defaulted = applyDefaults(rest, { ...resource.schema, properties: withoutMetadata(resource) }) as KubeObject;
    return { ...defaulted, metadata };
  }
  const copy = structuredClone(object);
  defaultBuiltin(copy);
  const { metadata, ...rest } = copy;
  const normal = normaliseBuiltin(rest, resource.schema) as KubeObject;
  return { ...normal, metadata: cleanMetadata(metadata) };
}

function withoutMetadata({ schema }: Resource): Resource['schema']['properties'] {
  const { metadata: _, ...properties } = schema.properties ?? {};
  return properties;
}

/** Empty label and annotation maps are not stored, nor are nulls. */
function cleanMetadata(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  return Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => {
      if (value === null || value === undefined) return false;
      if (Array.isArray(value)) return value.length > 0;
      return !isRecord(value) || Object.keys(value).length > 0;
    }),
  ) as unknown as KubeObject['metadata'];
}

export function cleanObject(resource: Resource, object: KubeObject): KubeObject {
  return resource.isCustom ? { ...object, metadata: cleanMetadata(object.metadata) } : object;
}

/** Throws 422 with every fault of the object. */
export function requireValid(resource: Resource, object: KubeObject, before: KubeObject | undefined): void {
  const faults = metadataFaults(object);
  if (resource.openApi !== undefined) faults.push(...schemaFaults(object, resource.openApi, before));
  else faults.push(...builtinFaults(object, before));
  if (faults.length > 0) throw invalidObject(resource, object.metadata.name, faults);
}
