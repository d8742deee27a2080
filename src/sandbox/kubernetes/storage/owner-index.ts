import type { KubeObject } from '../../../base/kube-object.ts';

/** Which objects name which owners, so that dependants are found without a search. */
export interface OwnerIndex {
  replace(resource: string, previous: KubeObject | undefined, next: KubeObject | undefined): void;
  dependants(uid: string): { resource: string; object: KubeObject }[];
}

export function createOwnerIndex(): OwnerIndex {
  const byOwner = new Map<string, Map<string, { resource: string; object: KubeObject }>>();
  const idOf = (resource: string, { metadata }: KubeObject) =>
    `${resource}/${metadata.namespace ?? ''}/${metadata.name}`;
  return {
    replace(resource, previous, next) {
      for (const { uid } of previous?.metadata.ownerReferences ?? []) {
        const known = byOwner.get(uid);
        if (previous !== undefined) known?.delete(idOf(resource, previous));
        if (known?.size === 0) byOwner.delete(uid);
      }
      if (next === undefined) return;
      for (const { uid } of next.metadata.ownerReferences ?? []) {
        const known = byOwner.get(uid) ?? new Map();
        known.set(idOf(resource, next), { resource, object: next });
        byOwner.set(uid, known);
      }
    },
    dependants: (uid) => [...(byOwner.get(uid)?.values() ?? [])],
  };
}
