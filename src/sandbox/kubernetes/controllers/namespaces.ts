import type { KubeObject } from '../../../base/kube-object.ts';
import type { Actor } from './actor.ts';
import type { Stand } from './control-loop.ts';

const storage = '/namespaces';

/** Gives a namespace its default ServiceAccount and the CA, and empties one that is being deleted. */
export function namespaceStand(actor: Actor, caPem: string): Stand {
  return {
    storage,
    wakes(_, { type, object }) {
      if (type !== 'DELETED' || object.metadata.namespace === undefined) return [];
      const namespace = actor.get(storage, '', object.metadata.namespace);
      if (namespace === undefined) return [];
      const isGoing = namespace.metadata.deletionTimestamp !== undefined;
      // What every namespace has comes back when somebody deletes it.
      const isFurniture = object.metadata.name === 'default' || object.metadata.name === caMap;
      return isGoing || isFurniture ? [namespace] : [];
    },
    reconcile(namespace) {
      if (namespace === undefined) return;
      const { name, deletionTimestamp } = namespace.metadata;
      if (deletionTimestamp === undefined) furnish(actor, name, caPem);
      else if (isEmptied(actor, name)) finish(actor, namespace);
    },
  };
}

const caMap = 'kube-root-ca.crt';

function furnish(actor: Actor, namespace: string, caPem: string): void {
  if (actor.get('/serviceaccounts', namespace, 'default') === undefined) {
    const metadata = { name: 'default', namespace };
    actor.create('/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  }
  const known = actor.get('/configmaps', namespace, caMap);
  const data = { 'ca.crt': caPem };
  if (known === undefined) {
    actor.create('/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: caMap, namespace }, data });
  } else actor.patch('/configmaps', known, { data });
}

/** Deletes what is in the namespace; true when nothing is left. Objects with finalizers take their time. */
function isEmptied(actor: Actor, name: string): boolean {
  const { registry, store } = actor.cluster;
  let isEmpty = true;
  for (const storedAs of store.resources()) {
    if (registry.byStorage(storedAs)?.namespaced !== true) continue;
    for (const object of store.list(storedAs, name)) {
      if (object.metadata.deletionTimestamp === undefined) actor.delete(storedAs, object);
    }
    if (store.list(storedAs, name).length > 0) isEmpty = false;
  }
  return isEmpty;
}

/** The last step of a namespace's end: its own finalizer is gone, and with it the namespace. */
function finish(actor: Actor, namespace: KubeObject): void {
  if ((namespace.metadata.finalizers ?? []).length > 0) return;
  actor.cluster.store.remove(storage, namespace);
}
