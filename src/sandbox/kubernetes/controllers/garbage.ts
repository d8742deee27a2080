import type { KubeObject, OwnerReference } from '../../../base/kube-object.ts';
import { groupOf, versionOf } from '../../../base/kube-object.ts';
import type { Change } from '../storage/watch-feed.ts';
import type { Actor } from './actor.ts';

const foreground = 'foregroundDeletion';

/** Deletes what belongs to nobody any more: dependants of an owner that is gone, or that waits for them to go first. */
export function collectGarbage(actor: Actor): () => void {
  return actor.cluster.store.subscribeAll((resource, change) => {
    const { object, type } = change;
    const concerns = type === 'DELETED' || object.metadata.deletionTimestamp !== undefined || isNewlyOwned(change);
    // After the write that caused it has been told to everybody.
    if (concerns) setImmediate(() => sweep(actor, resource, change));
  });
}

function isNewlyOwned({ object, previous }: Change): boolean {
  return object.metadata.ownerReferences !== undefined && previous?.metadata.ownerReferences === undefined;
}

function sweep(actor: Actor, resource: string, { type, object }: Change): void {
  const { uid = '', finalizers = [], deletionTimestamp } = object.metadata;
  const { store } = actor.cluster;
  if (type === 'DELETED') {
    for (const dependant of store.dependants(uid)) release(actor, dependant.resource, dependant.object, uid);
    for (const reference of object.metadata.ownerReferences ?? []) finishForeground(actor, reference, object);
  } else if (deletionTimestamp !== undefined && finalizers.includes('orphan')) {
    for (const dependant of store.dependants(uid)) disown(actor, dependant.resource, dependant.object, uid);
    dropFinalizer(actor, resource, object, 'orphan');
  } else if (deletionTimestamp !== undefined && finalizers.includes(foreground)) {
    const dependants = store.dependants(uid);
    for (const dependant of dependants) actor.delete(dependant.resource, dependant.object);
    if (store.dependants(uid).length === 0) dropFinalizer(actor, resource, object, foreground);
  } else if (deletionTimestamp === undefined) checkOwners(actor, resource, object);
}

/** An object whose owners do not exist goes at once. */
function checkOwners(actor: Actor, resource: string, object: KubeObject): void {
  const owners = object.metadata.ownerReferences ?? [];
  const now = actor.cluster.store.get(resource, object.metadata.namespace ?? '', object.metadata.name);
  if (now?.metadata.uid !== object.metadata.uid || owners.length === 0) return;
  const exists = owners.some((reference) => {
    const known = ownerOf(actor, reference, object);
    return known === 'unknown' || known?.object.metadata.uid === reference.uid;
  });
  if (!exists) actor.delete(resource, object);
}

interface Owner {
  storage: string;
  object: KubeObject;
}

function ownerOf(actor: Actor, reference: OwnerReference, dependant: KubeObject): Owner | 'unknown' | undefined {
  const { apiVersion, kind, name } = reference;
  const resource = actor.cluster.registry.byKind(groupOf(apiVersion), versionOf(apiVersion), kind);
  if (resource === undefined) return 'unknown';
  const object = actor.get(resource.storage, resource.namespaced ? (dependant.metadata.namespace ?? '') : '', name);
  return object && { storage: resource.storage, object };
}

function release(actor: Actor, resource: string, dependant: KubeObject, ownerUid: string): void {
  const others = (dependant.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== ownerUid);
  if (others.length === 0) actor.delete(resource, dependant);
  else disown(actor, resource, dependant, ownerUid);
}

function disown(actor: Actor, resource: string, dependant: KubeObject, ownerUid: string): void {
  const others = (dependant.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== ownerUid);
  actor.patch(resource, dependant, { metadata: { ownerReferences: others.length === 0 ? null : others } });
}

function finishForeground(actor: Actor, reference: OwnerReference, dependant: KubeObject): void {
  const owner = ownerOf(actor, reference, dependant);
  if (owner === undefined || owner === 'unknown' || owner.object.metadata.uid !== reference.uid) return;
  if (!owner.object.metadata.finalizers?.includes(foreground)) return;
  if (actor.cluster.store.dependants(reference.uid).length > 0) return;
  dropFinalizer(actor, owner.storage, owner.object, foreground);
}

function dropFinalizer(actor: Actor, resource: string, object: KubeObject, name: string): void {
  const rest = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name);
  actor.patch(resource, object, { metadata: { finalizers: rest.length === 0 ? null : rest } });
}
