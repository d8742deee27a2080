import { isRecord } from '../../../base/json.ts';
import type { KubeObject, OwnerReference } from '../../../base/kube-object.ts';
import type { ObjectApi, WriteRequest } from '../object-api.ts';
import type { Resource, ResourceRegistry } from '../resources.ts';
import { ApiFailure } from '../status.ts';
import { type ObjectStore, storeKey, storePrefix } from '../store.ts';

/** How the stand-ins for Kubernetes' own controllers see the cluster: the same rules as everybody, without HTTP. */
export class Cluster {
  readonly store: ObjectStore;
  readonly registry: ResourceRegistry;
  readonly api: ObjectApi;

  constructor(store: ObjectStore, registry: ResourceRegistry, api: ObjectApi) {
    this.store = store;
    this.registry = registry;
    this.api = api;
  }

  resource(apiVersion: string, kind: string): Resource {
    const found = this.registry.findKind(apiVersion, kind);
    if (found === undefined) throw new Error(`${kind} in ${apiVersion} is not served`);
    return found;
  }

  get(apiVersion: string, kind: string, namespace: string, name: string): KubeObject | undefined {
    return this.store.get(storeKey(this.resource(apiVersion, kind), namespace, name));
  }

  list(apiVersion: string, kind: string, namespace?: string): KubeObject[] {
    return this.store.list(storePrefix(this.resource(apiVersion, kind)), namespace);
  }

  /** The objects of a kind whose controlling owner has this uid. */
  ownedBy(apiVersion: string, kind: string, owner: KubeObject): KubeObject[] {
    return this.list(apiVersion, kind, owner.metadata.namespace).filter(({ metadata }) =>
      metadata.ownerReferences?.some(({ uid, controller }) => uid === owner.metadata.uid && controller === true),
    );
  }

  /** Creates an object unless one of its name exists. */
  ensure(object: KubeObject, manager: string): void {
    const request = this.#request(object, manager);
    if (this.store.get(storeKey(request.resource, request.namespace, request.name)) !== undefined) return;
    this.api.create(object, request);
  }

  /** Writes fields of an object that may be gone by now. */
  patch(object: KubeObject, patch: Record<string, unknown>, manager: string, subresource?: 'status'): void {
    const request = this.#request(object, manager);
    try {
      this.api.patch('merge', patch, subresource === undefined ? request : { ...request, subresource });
    } catch (error) {
      if (!(error instanceof ApiFailure) || error.code !== 404) throw error;
    }
  }

  /** Replaces the whole status: fields left out are taken away. */
  setStatus(object: KubeObject, status: Record<string, unknown>, manager: string): void {
    const old = isRecord(object['status']) ? object['status'] : {};
    const removed = Object.fromEntries(
      Object.keys(old)
        .filter((key) => status[key] === undefined)
        .map((key) => [key, null]),
    );
    this.patch(object, { status: { ...removed, ...status } }, manager, 'status');
  }

  delete(object: KubeObject): void {
    const resource = this.resource(object.apiVersion, object.kind);
    try {
      this.api.delete(resource, object.metadata.namespace ?? '', object.metadata.name, {
        propagation: 'Background',
        dryRun: false,
      });
    } catch (error) {
      if (!(error instanceof ApiFailure) || error.code !== 404) throw error;
    }
  }

  #request(object: KubeObject, manager: string): WriteRequest {
    return {
      resource: this.resource(object.apiVersion, object.kind),
      namespace: object.metadata.namespace ?? '',
      name: object.metadata.name,
      manager,
      dryRun: false,
      force: false,
      fieldValidation: 'Ignore',
      warnings: [],
    };
  }
}

export function ownerReference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true };
}
