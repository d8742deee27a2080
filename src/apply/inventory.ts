import { groupOf, type KubeObject, type ObjectRef, versionOf } from '../base/kube-object.ts';

/** One applied object in the status of a Kustomization (spec/kustomization.md §9.1). */
export interface InventoryEntry {
  /** `<namespace>_<name>_<group>_<kind>` */
  id: string;
  /** API version without group. */
  v: string;
}

export function entryOf(object: KubeObject): InventoryEntry {
  const { apiVersion, kind, metadata } = object;
  const name = metadata.name.replaceAll(':', '__');
  return { id: `${metadata.namespace ?? ''}_${name}_${groupOf(apiVersion)}_${kind}`, v: versionOf(apiVersion) };
}

/** The object of an entry, or undefined for an id that is none. Names may hold `_`, so both ends are read. */
export function refOfEntry({ id, v }: InventoryEntry): (ObjectRef & { group: string }) | undefined {
  const [namespaceEnd, kindStart] = [id.indexOf('_'), id.lastIndexOf('_')];
  const groupStart = id.lastIndexOf('_', kindStart - 1);
  if (namespaceEnd < 0 || groupStart <= namespaceEnd) return undefined;
  const group = id.slice(groupStart + 1, kindStart);
  const namespace = id.slice(0, namespaceEnd);
  return {
    group,
    apiVersion: group === '' ? v : `${group}/${v}`,
    kind: id.slice(kindStart + 1),
    name: id.slice(namespaceEnd + 1, groupStart).replaceAll('__', ':'),
    ...(namespace === '' ? {} : { namespace }),
  };
}

/** Entries of `before` that are not in `after`; another version of the same object is the same object. */
export function staleEntries(before: readonly InventoryEntry[], after: readonly InventoryEntry[]): InventoryEntry[] {
  const kept = new Set(after.map(({ id }) => id));
  return before.filter(({ id }) => !kept.has(id));
}

/** Both, each object once; where both have one, the version of `after`. */
export function unionOfEntries(before: readonly InventoryEntry[], after: readonly InventoryEntry[]): InventoryEntry[] {
  return [...after, ...staleEntries(before, after)];
}
