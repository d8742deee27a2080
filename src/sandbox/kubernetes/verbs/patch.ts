import { formatTime } from '../../../base/clock.ts';
import { isRecord } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { invalidValue } from '../errors/field-error.ts';
import { badRequest, conflict, internalError, invalid, StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { appliedSetOf } from '../managed-fields/applied-set.ts';
import { managersOf, withoutManagedFields } from '../managed-fields/managers.ts';
import { applyConfiguration, managersAfterUpdate } from '../managed-fields/ownership.ts';
import { applyJsonPatch, PatchFault } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicPatch } from '../patch/strategic-patch.ts';
import { jsonType } from '../schema/go-shape.ts';
import { createDecoded, emptyObject } from './create.ts';
import { checkNamespace, decodeQuietly, strictFault } from './decode.ts';
import { missing, readStored, updateDecoded, type Written } from './update.ts';
import type { WriteOptions } from './write-options.ts';

export type PatchType = 'json' | 'merge' | 'strategic';

/** `PATCH` by one of the three classic patch types. */
export async function patchObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  name: string,
  type: PatchType,
  patch: unknown,
  options: WriteOptions,
): Promise<KubeObject> {
  const old = readStored(cluster, resource, namespace, name);
  if (old === undefined) throw missing(resource, name);
  const patched = applyPatch(resource, old, type, patch);
  if (!isRecord(patched) || !isRecord(patched['metadata'])) throw unprocessable();
  const { object, faults } = decodeQuietly(resource, patched);
  const fault = faults.mismatch ?? strictFault(faults.unknownFields, options);
  // The API names neither the kind nor the object here, and shows the outcome of the patch.
  if (fault !== undefined) {
    throw invalid({ group: '', kind: '' }, '', [invalidValue('patch', JSON.stringify(patched), fault)]);
  }
  if (resource.namespaced) checkNamespace(resource, object, namespace);
  return updateDecoded(cluster, resource, old, object, undefined, options);
}

/** Applies a classic patch to a value. Throws 400 where the patch is not of its type, 422 or 500 where it cannot be applied. */
export function applyPatch(resource: Resource, value: unknown, type: PatchType, patch: unknown): unknown {
  const isOfType = type === 'json' ? Array.isArray(patch) : isRecord(patch);
  if (!isOfType) {
    const goType = type === 'json' ? '[]handlers.jsonPatchOp' : 'map[string]interface {}';
    throw badRequest(`error decoding patch: json: cannot unmarshal ${jsonType(patch)} into Go value of type ${goType}`);
  }
  try {
    if (type === 'json') return applyJsonPatch(value, patch);
    if (type === 'merge') return applyMergePatch(value, patch);
    return applyStrategicPatch(resource.schema, value, patch);
  } catch (error) {
    if (!(error instanceof PatchFault)) throw error;
    throw type === 'json' ? unprocessable() : internalError(error.message);
  }
}

/** The API hides what a patch stumbled over. */
function unprocessable(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

export interface ApplyOptions extends WriteOptions {
  force: boolean;
}

/** Server-side apply of a configuration; creates the object where it does not exist. */
export async function applyObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  name: string,
  body: unknown,
  options: ApplyOptions,
): Promise<Written> {
  const configuration = checkConfiguration(resource, namespace, name, body);
  const old = readStored(cluster, resource, namespace, name);
  if (old === undefined && options.subresource !== '') throw missing(resource, name);
  const { uid } = configuration.metadata;
  if (old === undefined && uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict({ group: resource.group, resource: resource.plural }, name, why);
  }
  const { set, faults } = appliedSetOf(resource.schema, configuration);
  if (faults.length > 0) throw typedFault(resource, namespace, name, faults);

  const live = old === undefined ? emptyObject(resource) : withoutManagedFields(old);
  const { behaviour } = resource;
  const writer = {
    name: options.manager,
    apiVersion: resource.apiVersion,
    subresource: options.subresource,
    time: formatTime(cluster.clock.now()),
    resetFields: options.subresource === 'status' ? behaviour.resetFields.status : behaviour.resetFields.main,
  };
  let managers = managersOf(old?.metadata.managedFields);
  if (old !== undefined && managers.length === 0) {
    // An object that nobody tracked: what it has belongs to whoever made it.
    const before = { ...writer, name: 'before-first-apply', resetFields: {} };
    managers = managersAfterUpdate(resource.schema, emptyObject(resource), live, [], before);
  }
  const applied = applyConfiguration(resource.schema, live, configuration, set, managers, writer, options.force);
  const { object, faults: decodeFaults } = decodeQuietly(resource, applied.object);
  if (decodeFaults.mismatch !== undefined) throw internalError(decodeFaults.mismatch);
  if (old !== undefined) {
    return { object: await updateDecoded(cluster, resource, old, object, applied.managers, options), created: false };
  }
  checkNamespace(resource, object, namespace);
  return { object: await createDecoded(cluster, resource, object, applied.managers, false, options), created: true };
}

function checkConfiguration(resource: Resource, namespace: string, name: string, body: unknown): KubeObject {
  if (!isRecord(body)) throw badRequest('error decoding YAML: the configuration is not a map');
  const { apiVersion, kind } = body;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || apiVersion === '' || kind === '') {
    throw badRequest(`couldn't get version/kind; json parse error: apiVersion and kind must be set`);
  }
  if (apiVersion !== resource.apiVersion || kind !== resource.kind) {
    const wanted = `${resource.apiVersion}, Kind=${resource.kind}`;
    throw badRequest(`invalid object type: ${apiVersion}, Kind=${kind} does not match ${wanted}`);
  }
  const metadata = isRecord(body['metadata']) ? body['metadata'] : {};
  if (metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const given = metadata['name'];
  if (given !== undefined && given !== name) {
    throw badRequest(`the name of the object (${String(given)}) does not match the name on the URL (${name})`);
  }
  const object = { ...body, metadata: { ...metadata, name } } as unknown as KubeObject;
  if (resource.namespaced) checkNamespace(resource, object, namespace);
  return object;
}

function typedFault(resource: Resource, namespace: string, name: string, faults: readonly string[]): StatusError {
  const key = namespace === '' ? name : `${namespace}/${name}`;
  const what = faults.length === 1 ? faults[0] : `errors:\n  ${faults.join('\n  ')}`;
  const type = `${resource.group}/${resource.version}, Kind=${resource.kind}`;
  return internalError(`failed to create typed patch object (${key}; ${type}): ${what}`);
}
