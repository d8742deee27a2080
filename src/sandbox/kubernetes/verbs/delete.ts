import { formatTime } from '../../../base/clock.ts';
import { isRecord } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { conflict, type Status } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { admissionRequest } from './create.ts';
import { missing, readStored } from './update.ts';
import type { WriteOptions } from './write-options.ts';

/** What a delete asks for beside the object. */
export interface DeleteOptions {
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface Deleted {
  /** The object as it is left, or a Status once it is gone. */
  body: KubeObject | Status;
  /** Whether it is gone, rather than waiting for finalizers or its grace period. */
  gone: boolean;
}

/** `DELETE` of an object: takes it away, or marks it when finalizers or a grace period hold it. */
export async function deleteObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string,
  name: string,
  wanted: DeleteOptions,
  options: WriteOptions,
): Promise<Deleted> {
  const object = readStored(cluster, resource, namespace, name);
  if (object === undefined) throw missing(resource, name);
  checkPreconditions(resource, object, wanted);
  const request = admissionRequest('DELETE', resource, undefined, object, options);
  cluster.admission.admit(request);
  await cluster.admission.webhooks(request)?.();
  return deleteOwn(cluster, resource, object, wanted, options);
}

/** For parts of the cluster itself: deletes at once, past admission. */
export function deleteOwn(
  cluster: Cluster,
  resource: Resource,
  object: KubeObject,
  wanted: DeleteOptions,
  options: WriteOptions,
): Deleted {
  const finalizers = finalizersFor(resource, object, wanted);
  const grace = gracePeriod(object, wanted);
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata;
  const namespaceHasContent = object.kind === 'Namespace' && object.apiVersion === 'v1';
  if (finalizers.length > 0 || grace > 0 || namespaceHasContent) {
    const sameMark = deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) <= grace;
    if (sameMark && finalizers.length === (object.metadata.finalizers ?? []).length)
      return { body: object, gone: false };
    const marked = markDeleted(cluster, object, finalizers, grace);
    if (options.dryRun) return { body: marked, gone: false };
    return { body: resource.fromStored(cluster.store.put(resource.storage, resource.toStored(marked))), gone: false };
  }
  if (options.dryRun) return { body: answer(resource, object), gone: true };
  const last = resource.fromStored(cluster.store.remove(resource.storage, resource.toStored(object)));
  return { body: answer(resource, last), gone: true };
}

function answer(resource: Resource, object: KubeObject): KubeObject | Status {
  if (resource.behaviour.returnsDeleted) return object;
  const { name, uid } = object.metadata;
  const details = {
    name,
    ...(resource.group !== '' && { group: resource.group }),
    kind: resource.plural,
    ...(uid && { uid }),
  };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

function checkPreconditions(resource: Resource, { metadata }: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const group = { group: resource.group, resource: resource.plural };
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
    throw conflict(group, metadata.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw conflict(group, metadata.name, why);
  }
}

const orphan = 'orphan';
const foreground = 'foregroundDeletion';

/** The finalizers that the propagation policy asks for: dependants are orphaned, or deleted first, by the garbage collector. */
function finalizersFor(resource: Resource, object: KubeObject, { propagationPolicy }: DeleteOptions): string[] {
  const existing = object.metadata.finalizers ?? [];
  const others = existing.filter((one) => one !== orphan && one !== foreground);
  const undecided = existing.includes(orphan) ? 'Orphan' : existing.includes(foreground) ? 'Foreground' : undefined;
  const policy = propagationPolicy ?? undecided ?? resource.behaviour.defaultPropagation;
  if (policy === 'Orphan') return [...others, orphan];
  return policy === 'Foreground' ? [...others, foreground] : others;
}

/** Seconds until the object may go: only pods that are placed on a node take any. */
function gracePeriod(object: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return 0;
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  const phase = isRecord(object['status']) ? object['status']['phase'] : undefined;
  if (!spec['nodeName'] || phase === 'Succeeded' || phase === 'Failed') return 0;
  return gracePeriodSeconds ?? Number(spec['terminationGracePeriodSeconds'] ?? 30);
}

function markDeleted(cluster: Cluster, object: KubeObject, finalizers: string[], grace: number): KubeObject {
  const { finalizers: _, ...metadata } = object.metadata;
  const { generation, deletionTimestamp } = metadata;
  const marked: KubeObject = {
    ...object,
    metadata: {
      ...metadata,
      ...(finalizers.length > 0 && { finalizers }),
      deletionTimestamp:
        deletionTimestamp !== undefined && grace === 0
          ? deletionTimestamp
          : formatTime(cluster.clock.now() + grace * 1000),
      ...(object.kind !== 'Namespace' && { deletionGracePeriodSeconds: grace }),
      ...(generation !== undefined && deletionTimestamp === undefined && { generation: generation + 1 }),
    },
  };
  if (object.kind === 'Namespace' && object.apiVersion === 'v1') {
    marked['status'] = { ...(isRecord(object['status']) && object['status']), phase: 'Terminating' };
  }
  return marked;
}
