import { isRecord } from '../../../base/json.ts';
import type { KubeObject, OwnerReference } from '../../../base/kube-object.ts';
import { ownOptions } from '../bootstrap.ts';
import { StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { createOwn } from '../verbs/create.ts';
import { decodeQuietly } from '../verbs/decode.ts';
import { type DeleteOptions, deleteOwn } from '../verbs/delete.ts';
import { readStored, updateOwn } from '../verbs/update.ts';

/** How the stand-ins for Kubernetes' controllers act on the cluster: by the same rules as everybody, without HTTP. */
export interface Actor {
  readonly cluster: Cluster;
  get(storage: string, namespace: string, name: string): KubeObject | undefined;
  /** The objects of a resource whose controlling owner this is. */
  ownedBy(storage: string, owner: KubeObject): KubeObject[];
  /** Creates an object unless one of its name exists; tells why the API refused it. */
  create(storage: string, object: KubeObject, refused?: (why: string) => void): KubeObject | undefined;
  /** Merges fields into an object, which may be gone by now. */
  patch(storage: string, object: KubeObject, patch: Record<string, unknown>, subresource?: 'status'): void;
  /** Replaces the whole status: fields left out are taken away. */
  setStatus(storage: string, object: KubeObject, status: Record<string, unknown>): void;
  delete(storage: string, object: KubeObject, wanted?: DeleteOptions): void;
  /** Records an event about an object. */
  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** An actor that writes under this name. */
export function createActor(cluster: Cluster, manager: string, recordEvent: Actor['event']): Actor {
  const resourceOf = (storage: string): Resource => {
    const resource = cluster.registry.byStorage(storage);
    if (resource === undefined) throw new Error(`nothing is stored as ${storage}`);
    return resource;
  };
  const patch: Actor['patch'] = (storage, { metadata }, change, subresource) => {
    const resource = resourceOf(storage);
    const old = readStored(cluster, resource, metadata.namespace ?? '', metadata.name);
    if (old === undefined || old.metadata.uid !== metadata.uid) return;
    const patched = applyMergePatch(old, change);
    if (!isRecord(patched)) return;
    const { object } = decodeQuietly(resource, patched);
    try {
      updateOwn(cluster, resource, old, object, ownOptions(manager, subresource));
    } catch (error) {
      // Whoever made it invalid has to mend it; the stand-ins carry on.
      if (!(error instanceof StatusError)) throw error;
    }
  };
  return {
    cluster,
    get: (storage, namespace, name) => cluster.store.get(storage, namespace, name),
    ownedBy: (storage, owner) =>
      cluster.store
        .dependants(owner.metadata.uid ?? '')
        .filter(({ resource, object }) => resource === storage && controllerOf(object)?.uid === owner.metadata.uid)
        .map(({ object }) => object),
    create(storage, object, refused) {
      try {
        return createOwn(cluster, resourceOf(storage), object, ownOptions(manager));
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        refused?.(error.message);
        return undefined;
      }
    },
    patch,
    setStatus(storage, object, status) {
      const old = isRecord(object['status']) ? object['status'] : {};
      const removed = Object.keys(old).filter((key) => status[key] === undefined);
      patch(
        storage,
        object,
        { status: { ...Object.fromEntries(removed.map((key) => [key, null])), ...status } },
        'status',
      );
    },
    delete(storage, object, wanted = { propagationPolicy: 'Background' }) {
      const { namespace = '', name, uid } = object.metadata;
      const now = cluster.store.get(storage, namespace, name);
      if (now === undefined || now.metadata.uid !== uid) return;
      const resource = resourceOf(storage);
      deleteOwn(cluster, resource, resource.fromStored(now), wanted, ownOptions(manager));
    },
    event: recordEvent,
  };
}

/** The owner that manages an object. */
export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** A reference by which an object is managed by this owner. */
export function ownerReference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true };
}
