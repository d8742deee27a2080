import { isRecord } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { badRequest } from '../errors/status-error.ts';
import type { Resource } from '../kinds/resource.ts';
import type { DecodeFaults } from '../schema/go-shape.ts';
import type { WriteOptions } from './write-options.ts';

/** A decoded object, or the reason why it cannot be handled. */
export interface Decoded {
  object: KubeObject;
  faults: DecodeFaults;
}

/** Decodes and defaults a value; unknown fields become warnings or a refusal as the request wants it. */
export function decodeObject(resource: Resource, value: Record<string, unknown>, options: WriteOptions): KubeObject {
  const { object, faults } = decodeQuietly(resource, value);
  if (faults.mismatch !== undefined) throw badRequest(cannotBeHandled(resource, faults.mismatch));
  reportUnknownFields(resource, faults.unknownFields, options);
  return object;
}

export function reportUnknownFields(resource: Resource, unknownFields: readonly string[], options: WriteOptions): void {
  if (unknownFields.length === 0 || options.fieldValidation === 'Ignore') return;
  const texts = unknownFields.map((field) => `unknown field "${field}"`);
  if (options.fieldValidation === 'Warn') options.warnings.push(...texts);
  else throw badRequest(cannotBeHandled(resource, `strict decoding error: ${texts.join(', ')}`));
}

/** Decodes and defaults a value without judging it. */
export function decodeQuietly(resource: Resource, value: Record<string, unknown>): Decoded {
  const faults: DecodeFaults = { unknownFields: [], mismatch: undefined };
  const object = resource.behaviour.decode(value, faults);
  if (faults.mismatch === undefined) resource.behaviour.applyDefaults(object);
  return { object, faults };
}

function cannotBeHandled(resource: Resource, why: string): string {
  return `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`;
}

/** Checks that a body is of the type that the path promises; a custom object has to name it. */
export function checkType(resource: Resource, value: unknown): Record<string, unknown> {
  if (!isRecord(value)) {
    const found = Array.isArray(value) ? 'array' : typeof value;
    const why = `json: cannot unmarshal ${found} into Go value of type ${resource.version}.${resource.kind}`;
    throw badRequest(resource.behaviour.custom ? "Object 'Kind' is missing" : cannotBeHandled(resource, why));
  }
  const { apiVersion, kind } = value;
  if (resource.behaviour.custom && (typeof kind !== 'string' || kind === '')) {
    throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(value)}'`);
  }
  if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== resource.apiVersion) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${resource.apiVersion})`,
    );
  }
  if (kind !== undefined && kind !== '' && kind !== resource.kind) {
    if (resource.behaviour.custom) {
      throw badRequest(`the kind in the data (${String(kind)}) does not match the expected kind (${resource.kind})`);
    }
    throw badRequest(
      `${String(kind)} in version "${resource.version}" cannot be handled as a ${resource.kind}: no kind "${String(kind)}" is registered for the expected type`,
    );
  }
  return value;
}

/** Checks that the namespace of an object is that of the path, and sets it where the object does not say. */
export function checkNamespace(resource: Resource, object: KubeObject, namespace: string): void {
  const given = object.metadata.namespace ?? '';
  if (!resource.namespaced) return;
  if (given === '') object.metadata = { ...object.metadata, namespace };
  else if (given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}
