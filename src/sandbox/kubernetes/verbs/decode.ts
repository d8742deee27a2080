import { builtinKind } from '../../../api/builtin/builtin-kinds.ts';
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
  const fault = faults.mismatch ?? strictFault(faults.unknownFields, options);
  if (fault !== undefined) throw badRequest(cannotBeHandled(resource, fault));
  return object;
}

/** What strict field validation has against a body; a request that only wants warnings gets them. */
export function strictFault(unknownFields: readonly string[], options: WriteOptions): string | undefined {
  if (unknownFields.length === 0 || options.fieldValidation === 'Ignore') return undefined;
  const texts = unknownFields.map((field) => `unknown field "${field}"`);
  if (options.fieldValidation === 'Strict') return `strict decoding error: ${texts.join(', ')}`;
  options.warnings.push(...texts);
  return undefined;
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
  const body = isRecord(value) ? value : {};
  const { apiVersion, kind } = body;
  const { custom } = resource.behaviour;
  if (custom && (typeof kind !== 'string' || kind === '')) {
    throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(value)}'`);
  }
  const givenVersion = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : resource.apiVersion;
  const givenKind = typeof kind === 'string' && kind !== '' ? kind : resource.kind;
  if (givenVersion === resource.apiVersion && givenKind === resource.kind) return body;
  const isKnown = builtinKind(givenVersion, givenKind) !== undefined;
  if (givenVersion !== resource.apiVersion && (custom || (isKnown && givenKind === resource.kind))) {
    throw badRequest(
      `the API version in the data (${givenVersion}) does not match the expected API version (${resource.apiVersion})`,
    );
  }
  if (custom) {
    throw badRequest(`the kind in the data (${givenKind}) does not match the expected kind (${resource.kind})`);
  }
  const version = givenVersion.split('/').at(-1) ?? '';
  const hub = (resource.group.split('.')[0] ?? '') || 'core';
  const why = isKnown
    ? `converting (${version}.${givenKind}) to (${hub}.${resource.kind}): unknown conversion`
    : `no kind "${givenKind}" is registered for version "${givenVersion}" in scheme "${scheme}"`;
  throw badRequest(`${givenKind} in version "${version}" cannot be handled as a ${resource.kind}: ${why}`);
}

/** Where the real server keeps its list of types; its errors say so. */
const scheme = 'pkg/api/legacyscheme/scheme.go:30';

/** Checks that the namespace of an object is that of the path, and sets it where the object does not say. */
export function checkNamespace(resource: Resource, object: KubeObject, namespace: string): void {
  const given = object.metadata.namespace ?? '';
  if (!resource.namespaced) return;
  if (given === '') object.metadata = { ...object.metadata, namespace };
  else if (given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}
