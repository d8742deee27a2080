import { formatTime } from '../../../base/clock.ts';
import { deepEqual } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { invalidValue } from '../errors/field-error.ts';
import { badRequest, conflict, invalid, modifiedMeanwhile, notFound } from '../errors/status-error.ts';
import type { AdmissionRequest, Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { type Manager, managedFieldsOf, requestedManagers, withoutManagedFields } from '../managed-fields/managers.ts';
import { managersAfterUpdate } from '../managed-fields/ownership.ts';
import { admissionRequest, createDecoded } from './create.ts';
import { checkNamespace, checkType, decodeObject } from './decode.ts';
import type { WriteOptions } from './write-options.ts';

export interface Written {
  object: KubeObject;
  created: boolean;
}

/** `PUT` of an object, on the main endpoint or a subresource. */
export async function replaceObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  name: string,
  body: unknown,
  options: WriteOptions,
): Promise<Written> {
  const object = decodeObject(resource, checkType(resource, body), options);
  if (object.metadata.name && object.metadata.name !== name) {
    throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`);
  }
  if (!object.metadata.name)
    throw badRequest(`the name of the object (based on URL) was undeterminable: name must be provided`);
  checkNamespace(resource, object, namespace);
  const old = readStored(cluster, resource, namespace, name);
  if (old === undefined) {
    const { allowCreateOnUpdate } = resource.behaviour;
    if (!allowCreateOnUpdate || options.subresource !== '') throw missing(resource, name);
    const managers = requestedManagers(object.metadata.managedFields, undefined);
    return {
      object: await createDecoded(cluster, resource, withoutManagedFields(object), managers, true, options),
      created: true,
    };
  }
  checkUid(resource, old, object);
  return { object: await updateDecoded(cluster, resource, old, object, undefined, options), created: false };
}

/** The stored object in the version of the resource. */
export function readStored(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  name: string,
): KubeObject | undefined {
  const stored = cluster.store.get(resource.storage, namespace, name);
  return stored && resource.fromStored(stored);
}

export function missing(resource: Resource, name: string) {
  return notFound({ group: resource.group, resource: resource.plural }, name);
}

/**
 * Stores a decoded object in place of `old`. Ownership follows the change, unless an apply brings `managers` ready-made.
 * Throws 409 when somebody else was quicker and 422 when the object is not valid.
 */
export async function updateDecoded(
  cluster: Cluster,
  resource: Resource,
  old: KubeObject,
  decoded: KubeObject,
  managers: Manager[] | undefined,
  options: WriteOptions,
): Promise<KubeObject> {
  const request = admitUpdate(cluster, resource, old, decoded, options);
  const webhooks = cluster.admission.webhooks(request);
  if (webhooks !== undefined) {
    await webhooks();
    const now = readStored(cluster, resource, old.metadata.namespace ?? '', old.metadata.name);
    if (now?.metadata.resourceVersion !== old.metadata.resourceVersion) throw modified(resource, old.metadata.name);
  }
  return storeUpdated(cluster, resource, old, decoded, request.object ?? decoded, managers, options);
}

/** For parts of the cluster itself: as `updateDecoded`, at once and past webhooks. */
export function updateOwn(
  cluster: Cluster,
  resource: Resource,
  old: KubeObject,
  decoded: KubeObject,
  options: WriteOptions,
): KubeObject {
  const request = admitUpdate(cluster, resource, old, decoded, options);
  return storeUpdated(cluster, resource, old, decoded, request.object ?? decoded, undefined, options);
}

function admitUpdate(
  cluster: Cluster,
  resource: Resource,
  old: KubeObject,
  decoded: KubeObject,
  options: WriteOptions,
): AdmissionRequest {
  checkPreconditions(resource, old, decoded);
  const { behaviour } = resource;
  let object = keepServerSide(decoded, old);
  if (options.subresource === 'status') object = keepVersion(behaviour.statusUpdate(object, old), object);
  else if (behaviour.hasStatus) object = keepStatus(object, old);
  const request = admissionRequest('UPDATE', resource, object, old, options);
  cluster.admission.admit(request);
  return request;
}

function storeUpdated(
  cluster: Cluster,
  resource: Resource,
  old: KubeObject,
  decoded: KubeObject,
  admitted: KubeObject,
  managers: Manager[] | undefined,
  options: WriteOptions,
): KubeObject {
  const { behaviour } = resource;
  const isStatus = options.subresource === 'status';
  const after = withoutManagedFields(admitted);
  const settled = managers ?? settledManagers(cluster, resource, old, decoded, after, options);
  const managedFields = managedFieldsOf(settled);
  const updated: KubeObject = { ...after, metadata: { ...after.metadata, ...(managedFields && { managedFields }) } };
  if (!isStatus) {
    behaviour.prepareForUpdate(updated, old);
    cluster.allocate?.(resource, updated, old);
    if (behaviour.hasGeneration && behaviour.changesGeneration(updated, old)) {
      updated.metadata.generation = (old.metadata.generation ?? 0) + 1;
    }
  }
  if (sameButTimes(old, updated)) return old;
  const errors = [...behaviour.validateUpdate(updated, old), ...behaviour.validate(updated)];
  if (errors.length > 0) throw invalid(resource, updated.metadata.name, errors);
  return storeUpdate(cluster, resource, updated, options.dryRun);
}

/** Who owns what after an update; an object that nobody tracks stays so until somebody applies. */
function settledManagers(
  cluster: Cluster,
  resource: Resource,
  old: KubeObject,
  decoded: KubeObject,
  after: KubeObject,
  options: WriteOptions,
): Manager[] {
  const requested = requestedManagers(decoded.metadata.managedFields, old.metadata.managedFields);
  if (requested.length === 0) return [];
  const { resetFields } = resource.behaviour;
  return managersAfterUpdate(resource.schema, withoutManagedFields(old), after, requested, {
    name: options.manager,
    apiVersion: resource.apiVersion,
    subresource: options.subresource,
    time: formatTime(cluster.clock.now()),
    resetFields: options.subresource === 'status' ? resetFields.status : resetFields.main,
  });
}

/** A replacement that names a UID means that very object; the refusal is that of the storage, key and all. */
function checkUid(resource: Resource, old: KubeObject, object: KubeObject): void {
  const { name, namespace, uid } = old.metadata;
  const wanted = object.metadata.uid ?? '';
  if (wanted === '' || wanted === uid) return;
  const registry = resource.group === '' ? resource.plural : `${resource.group}/${resource.plural}`;
  const key = ['/registry', registry, namespace, name].filter((part) => part !== undefined).join('/');
  const precondition = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`;
  const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${precondition}`;
  throw conflict({ group: resource.group, resource: resource.plural }, name, why);
}

function checkPreconditions(resource: Resource, old: KubeObject, object: KubeObject): void {
  const { name } = old.metadata;
  const { resourceVersion = '' } = object.metadata;
  if (resourceVersion === '' || resourceVersion === '0') {
    if (resource.behaviour.allowUnconditionalUpdate) return;
    throw invalid(resource, name, [invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')]);
  }
  if (resourceVersion !== old.metadata.resourceVersion) throw modified(resource, name);
}

function modified(resource: Resource, name: string) {
  return conflict({ group: resource.group, resource: resource.plural }, name, modifiedMeanwhile);
}

/** What a client may send but never changes. */
function keepServerSide(object: KubeObject, old: KubeObject): KubeObject {
  const { resourceVersion, uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation } =
    old.metadata;
  const metadata = { ...object.metadata };
  for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'generation'] as const)
    delete metadata[field];
  Object.assign(metadata, {
    resourceVersion,
    uid: metadata.uid || uid,
    creationTimestamp,
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
    ...(generation !== undefined && { generation }),
  });
  if (old.metadata.generateName !== undefined && !metadata.generateName)
    metadata.generateName = old.metadata.generateName;
  return { ...object, metadata };
}

function keepVersion(object: KubeObject, source: KubeObject): KubeObject {
  const { resourceVersion } = source.metadata;
  return { ...object, metadata: { ...object.metadata, ...(resourceVersion && { resourceVersion }) } };
}

function keepStatus(object: KubeObject, old: KubeObject): KubeObject {
  const { status: _, ...rest } = object;
  const kept = rest as KubeObject;
  return old['status'] === undefined ? kept : { ...kept, status: old['status'] };
}

/** Writes the object; removes it when its last finalizer is gone. */
export function storeUpdate(cluster: Cluster, resource: Resource, updated: KubeObject, dryRun: boolean): KubeObject {
  if (dryRun) return updated;
  const { store } = cluster;
  const stored = store.put(resource.storage, resource.toStored(updated));
  return resource.fromStored(isFinallyDeleted(updated) ? store.remove(resource.storage, stored) : stored);
}

function isFinallyDeleted({ metadata, kind, spec }: KubeObject): boolean {
  const { deletionGracePeriodSeconds = 0 } = metadata;
  if (metadata.deletionTimestamp === undefined || deletionGracePeriodSeconds > 0) return false;
  if ((metadata.finalizers ?? []).length > 0) return false;
  return kind !== 'Namespace' || !((spec as { finalizers?: string[] } | undefined)?.finalizers?.length ?? 0);
}

function sameButTimes(old: KubeObject, updated: KubeObject): boolean {
  const { metadata: oldMetadata, ...oldRest } = old;
  const { metadata, ...rest } = updated;
  if (!deepEqual(oldRest, rest)) return false;
  const { managedFields: oldManagers = [], ...oldOthers } = oldMetadata;
  const { managedFields: managers = [], ...others } = metadata;
  if (!deepEqual(oldOthers, others)) return false;
  const untimed = (entries: typeof managers) => entries.map(({ time: _, ...entry }) => entry);
  return deepEqual(untimed(oldManagers), untimed(managers));
}
