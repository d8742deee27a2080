import type { KubeObject } from '../../../base/kube-object.ts';
import type { ObjectStore, StoreEvent } from '../store.ts';
import { storePrefix } from '../store.ts';
import type { Cluster } from './cluster.ts';

/** Deletes what belongs to nobody any more: dependants of an owner that is gone, or that waits for them to go first. */
export function collectGarbage(cluster: Cluster, store: ObjectStore): () => void {
  return store.subscribe((event) => {
    // After the write that caused it has been told to everybody.
    setImmediate(() => sweep(cluster, event));
  });
}

function sweep(cluster: Cluster, { type, object }: StoreEvent): void {
  const finalizers = object.metadata.finalizers ?? [];
  const isGoing = object.metadata.deletionTimestamp !== undefined;
  if (type === 'DELETED') {
    for (const dependant of dependantsOf(cluster, object)) release(cluster, dependant, object);
    for (const owner of ownersWaiting(cluster, object)) finishForeground(cluster, owner);
  } else if (isGoing && finalizers.includes('orphan')) {
    for (const dependant of dependantsOf(cluster, object)) orphan(cluster, dependant, object);
    dropFinalizer(cluster, object, 'orphan');
  } else if (isGoing && finalizers.includes('foregroundDeletion')) {
    for (const dependant of dependantsOf(cluster, object)) cluster.delete(dependant);
    finishForeground(cluster, object);
  }
}

function dependantsOf(cluster: Cluster, owner: KubeObject): KubeObject[] {
  const { uid } = owner.metadata;
  const seen = new Set<string>();
  return cluster.registry.all().flatMap((resource) => {
    const prefix = storePrefix(resource);
    if (seen.has(prefix)) return [];
    seen.add(prefix);
    return cluster.store
      .list(prefix)
      .filter(({ metadata }) => metadata.ownerReferences?.some((reference) => reference.uid === uid));
  });
}

function release(cluster: Cluster, dependant: KubeObject, owner: KubeObject): void {
  const others = (dependant.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  if (others.length === 0) cluster.delete(dependant);
  else cluster.patch(dependant, { metadata: { ownerReferences: others } }, 'kube-controller-manager');
}

function orphan(cluster: Cluster, dependant: KubeObject, owner: KubeObject): void {
  const others = (dependant.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  cluster.patch(
    dependant,
    { metadata: { ownerReferences: others.length === 0 ? null : others } },
    'kube-controller-manager',
  );
}

function ownersWaiting(cluster: Cluster, gone: KubeObject): KubeObject[] {
  return (gone.metadata.ownerReferences ?? []).flatMap(({ apiVersion, kind, name }) => {
    const resource = cluster.registry.findKind(apiVersion, kind);
    if (resource === undefined) return [];
    const owner = cluster.get(apiVersion, kind, resource.namespaced ? (gone.metadata.namespace ?? '') : '', name);
    return owner?.metadata.finalizers?.includes('foregroundDeletion') === true ? [owner] : [];
  });
}

function finishForeground(cluster: Cluster, owner: KubeObject): void {
  if (dependantsOf(cluster, owner).length === 0) dropFinalizer(cluster, owner, 'foregroundDeletion');
}

function dropFinalizer(cluster: Cluster, object: KubeObject, name: string): void {
  const rest = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name);
  cluster.patch(object, { metadata: { finalizers: rest.length === 0 ? null : rest } }, 'kube-controller-manager');
}
