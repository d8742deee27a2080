import { randomUUID } from 'node:crypto';
import { formatTime } from '../../../base/clock.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { alreadyExists, invalid, StatusError } from '../errors/status-error.ts';
import type { AdmissionRequest, Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { type Manager, managedFieldsOf, requestedManagers, withoutManagedFields } from '../managed-fields/managers.ts';
import { managersAfterUpdate } from '../managed-fields/ownership.ts';
import { checkNamespace, checkType, decodeObject, decodeQuietly } from './decode.ts';
import type { WriteOptions } from './write-options.ts';

/** `POST` of an object. Throws 400, 404 (namespace), 409, 422 as the API does. */
export async function createObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  body: unknown,
  options: WriteOptions,
): Promise<KubeObject> {
  const object = decodeObject(resource, checkType(resource, body), options);
  checkNamespace(resource, object, namespace);
  nameGenerated(object);
  const managers = requestedManagers(object.metadata.managedFields, undefined);
  return createDecoded(cluster, resource, withoutManagedFields(object), managers, true, options);
}

/**
 * Creates a decoded and defaulted object. With `track`, what it sets is owned by the request's manager; an apply brings its
 * managers ready-made.
 */
export async function createDecoded(
  cluster: Cluster,
  resource: Resource,
  decoded: KubeObject,
  managers: Manager[],
  track: boolean,
  options: WriteOptions,
): Promise<KubeObject> {
  const request = admitCreate(cluster, resource, decoded, options);
  await cluster.admission.webhooks(request)?.();
  return storeCreated(cluster, resource, request.object ?? decoded, managers, track, options);
}

function admitCreate(
  cluster: Cluster,
  resource: Resource,
  decoded: KubeObject,
  options: WriteOptions,
): AdmissionRequest {
  const object = { ...decoded, metadata: { ...decoded.metadata } };
  const request = admissionRequest('CREATE', resource, object, undefined, options);
  cluster.admission.admit(request);
  return request;
}

function storeCreated(
  cluster: Cluster,
  resource: Resource,
  admitted: KubeObject,
  managers: Manager[],
  track: boolean,
  options: WriteOptions,
): KubeObject {
  const { namespace = '', name = '' } = admitted.metadata;
  const { behaviour } = resource;
  const time = formatTime(cluster.clock.now());
  const tracked = track
    ? managersAfterUpdate(resource.schema, emptyObject(resource), admitted, managers, {
        name: options.manager,
        apiVersion: resource.apiVersion,
        subresource: options.subresource,
        time,
        resetFields: behaviour.resetFields.main,
      })
    : managers;
  const { resourceVersion: _, deletionTimestamp: __, deletionGracePeriodSeconds: ___, ...metadata } = admitted.metadata;
  const managedFields = managedFieldsOf(tracked);
  const created: KubeObject = {
    ...admitted,
    metadata: { ...metadata, uid: randomUUID(), creationTimestamp: time, ...(managedFields && { managedFields }) },
  };
  delete created.metadata.generation;
  if (behaviour.hasGeneration) created.metadata.generation = 1;
  if (behaviour.hasStatus) {
    if (behaviour.initialStatus === undefined) delete created['status'];
    else created['status'] = structuredClone(behaviour.initialStatus);
  }
  behaviour.prepareForCreate(created);
  cluster.allocate?.(resource, created, undefined);

  const errors = behaviour.validate(created);
  if (errors.length > 0) throw invalid(resource, name, errors);
  if (cluster.store.get(resource.storage, namespace, name) !== undefined) {
    throw alreadyExists({ group: resource.group, resource: resource.plural }, name);
  }
  if (options.dryRun) return created;
  return resource.fromStored(cluster.store.put(resource.storage, resource.toStored(created)));
}

export function admissionRequest(
  operation: AdmissionRequest['operation'],
  resource: Resource,
  object: KubeObject | undefined,
  old: KubeObject | undefined,
  options: WriteOptions,
): AdmissionRequest {
  const { namespace = '', name = '' } = (object ?? old)?.metadata ?? { name: '' };
  const { user, dryRun, warnings, subresource } = options;
  return { operation, resource, subresource, namespace, name, object, old, user, dryRun, warnings };
}

const empties = new WeakMap<Resource, KubeObject>();

/** An object of the type with nothing set: what a new object is compared with to see what it sets. */
export function emptyObject(resource: Resource): KubeObject {
  let empty = empties.get(resource);
  if (empty === undefined) {
    empty = resource.behaviour.custom
      ? { apiVersion: resource.apiVersion, kind: resource.kind, metadata: { name: '' } }
      : resource.behaviour.decode({}, { unknownFields: [], mismatch: undefined });
    empties.set(resource, empty);
  }
  return empty;
}

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

/** Five random letters, as generated names end in. */
export function randomSuffix(): string {
  return Array.from({ length: 5 }, () => suffixLetters[Math.floor(Math.random() * suffixLetters.length)]).join('');
}

const longestBase = 58;

function nameGenerated(object: KubeObject): void {
  const { name, generateName = '' } = object.metadata;
  if (name || generateName === '') return;
  object.metadata = { ...object.metadata, name: `${generateName.slice(0, longestBase)}${randomSuffix()}` };
}

/** For parts of the cluster itself: creates an object at once, past webhooks; undefined where it exists already. */
export function createOwn(
  cluster: Cluster,
  resource: Resource,
  value: KubeObject,
  options: WriteOptions,
): KubeObject | undefined {
  const { object } = decodeQuietly(resource, value as unknown as Record<string, unknown>);
  nameGenerated(object);
  try {
    const request = admitCreate(cluster, resource, object, options);
    return storeCreated(cluster, resource, request.object ?? object, [], true, options);
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'AlreadyExists') return undefined;
    throw error;
  }
}
