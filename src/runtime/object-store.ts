import { formatKey, type KubeObject, keyOf, type ObjectKey } from '../base/kube-object.ts';
import type { Indexes, ObjectCache } from './controller.ts';

/** The objects of one kind by key, as an informer keeps them. */
export interface ObjectStore extends ObjectCache {
  /** The object of that key before. */
  set(object: KubeObject): KubeObject | undefined;
  delete(key: ObjectKey): KubeObject | undefined;
  size(): number;
  addIndexes(indexes: Indexes): void;
}

export function createObjectStore(): ObjectStore {
  const objects = new Map<string, KubeObject>();
  const indexes = new Map<string, { valuesOf: Indexes[string]; keys: Map<string, Set<string>> }>();

  const file = (key: string, object: KubeObject) => {
    for (const { valuesOf, keys } of indexes.values()) {
      for (const value of valuesOf(object)) {
        const filed = keys.get(value);
        if (filed === undefined) keys.set(value, new Set([key]));
        else filed.add(key);
      }
    }
  };
  const unfile = (key: string, object: KubeObject) => {
    for (const { valuesOf, keys } of indexes.values()) {
      for (const value of valuesOf(object)) {
        const filed = keys.get(value);
        filed?.delete(key);
        if (filed?.size === 0) keys.delete(value);
      }
    }
  };

  return {
    get: (key) => objects.get(formatKey(key)),
    list: () => objects.values(),
    by(index, value) {
      const found = indexes.get(index);
      if (found === undefined) throw new Error(`no index '${index}'`);
      const keys = [...(found.keys.get(value) ?? [])];
      return keys.map((key) => objects.get(key)).filter((object) => object !== undefined);
    },
    set(object) {
      const key = formatKey(keyOf(object));
      const before = objects.get(key);
      if (before !== undefined) unfile(key, before);
      objects.set(key, object);
      file(key, object);
      return before;
    },
    delete(key) {
      const name = formatKey(key);
      const before = objects.get(name);
      if (before === undefined) return undefined;
      unfile(name, before);
      objects.delete(name);
      return before;
    },
    size: () => objects.size,
    addIndexes(added) {
      for (const [name, valuesOf] of Object.entries(added)) indexes.set(name, { valuesOf, keys: new Map() });
      for (const [key, object] of objects) file(key, object);
    },
  };
}
