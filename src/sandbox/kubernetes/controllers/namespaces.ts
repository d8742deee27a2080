import type { KubeObject } from '../../../base/kube-object.ts';
import { storePrefix } from '../store.ts';
import type { Cluster } from './cluster.ts';
import type { Stand } from './loop.ts';

const manager = 'kube-controller-manager';

/** Gives a new Namespace its default ServiceAccount, and empties one that is being deleted. */
export function namespaceStand(cluster: Cluster, caPem: string): Stand {
  return {
    kind: 'Namespace',
    wakes: ({ type, object }) => {
      if (type !== 'DELETED' || object.metadata.namespace === undefined) return [];
      const namespace = cluster.get('v1', 'Namespace', '', object.metadata.namespace);
      return namespace?.metadata.deletionTimestamp === undefined ? [] : [namespace];
    },
    reconcile: (namespace) => {
      if (namespace === undefined) return;
      if (namespace.metadata.deletionTimestamp === undefined) return furnish(cluster, namespace.metadata.name, caPem);
      if (emptied(cluster, namespace.metadata.name)) finish(cluster, namespace);
    },
  };
}

function furnish(cluster: Cluster, namespace: string, caPem: string): void {
  cluster.ensure({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }, manager);
  const metadata = { name: 'kube-root-ca.crt', namespace };
  cluster.ensure({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': caPem } }, manager);
}

/** Deletes what is in the namespace; true when nothing is left. Objects with finalizers take their time. */
function emptied(cluster: Cluster, name: string): boolean {
  let isEmpty = true;
  const seen = new Set<string>();
  for (const resource of cluster.registry.all()) {
    const prefix = storePrefix(resource);
    if (!resource.namespaced || seen.has(prefix)) continue;
    seen.add(prefix);
    for (const object of cluster.store.list(prefix, name)) {
      if (object.metadata.deletionTimestamp === undefined) cluster.delete(object);
    }
    isEmpty &&= cluster.store.list(prefix, name).length === 0;
  }
  return isEmpty;
}

function finish(cluster: Cluster, namespace: KubeObject): void {
  if ((namespace.metadata.finalizers ?? []).length > 0) {
    cluster.patch(namespace, { spec: { finalizers: null } }, manager);
    return;
  }
  cluster.store.delete(`:namespaces//${namespace.metadata.name}`);
}
