import type { KubeObject } from '../../base/kube-object.ts';
import { Journal } from './journal.ts';

export interface StoreEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  key: string;
  object: KubeObject;
  before: KubeObject | undefined;
  resourceVersion: number;
}

/** How many events back a watch may start; older ones are answered with 410, as after etcd's compaction. */
const historyLength = 20_000;

/** The objects, by `resource/namespace/name`, with one resourceVersion counted up over all of them. */
export class ObjectStore {
  readonly #journal: Journal;
  readonly #objects: Map<string, KubeObject>;
  /** Keys of each resource, so that a list does not walk through everything. */
  readonly #byResource = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #history: StoreEvent[] = [];
  #resourceVersion: number;
  #oldest: number;

  constructor(folder: string) {
    const { journal, objects, resourceVersion } = Journal.open(folder);
    this.#journal = journal;
    this.#objects = objects;
    this.#resourceVersion = resourceVersion;
    this.#oldest = resourceVersion;
    for (const [key, object] of objects) this.#index(key, object);
  }

  get resourceVersion(): number {
    return this.#resourceVersion;
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  /** The objects of a resource, by key, in order of the keys. */
  list(resource: string, namespace?: string): KubeObject[] {
    const all = [...(this.#byResource.get(resource)?.entries() ?? [])];
    const prefix = namespace === undefined ? resource : `${resource}/${namespace}/`;
    return all
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  /** Stores an object under a new resourceVersion and tells the watchers. */
  put(key: string, object: KubeObject): KubeObject {
    const resourceVersion = ++this.#resourceVersion;
    const stored: KubeObject = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(resourceVersion) },
    };
    const before = this.#objects.get(key);
    this.#journal.append({ key, object: stored });
    this.#objects.set(key, stored);
    this.#index(key, stored);
    this.#tell({ type: before === undefined ? 'ADDED' : 'MODIFIED', key, object: stored, before, resourceVersion });
    return stored;
  }

  delete(key: string): KubeObject | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    const resourceVersion = ++this.#resourceVersion;
    this.#journal.append({ key, deleted: true, resourceVersion });
    this.#objects.delete(key);
    this.#byResource.get(resourceOf(key))?.delete(key);
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(resourceVersion) } };
    this.#tell({ type: 'DELETED', key, object, before, resourceVersion });
    return object;
  }

  /** Events after a resourceVersion, or undefined where they are no longer all known. */
  since(resourceVersion: number): StoreEvent[] | undefined {
    if (resourceVersion < this.#oldest) return undefined;
    const start = this.#history.findIndex((event) => event.resourceVersion > resourceVersion);
    return start < 0 ? [] : this.#history.slice(start);
  }

  /** Calls `listener` for every later write; returns how to stop. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#journal.close();
  }

  #index(key: string, object: KubeObject): void {
    const resource = resourceOf(key);
    let keys = this.#byResource.get(resource);
    if (keys === undefined) {
      keys = new Map();
      this.#byResource.set(resource, keys);
    }
    keys.set(key, object);
  }

  #tell(event: StoreEvent): void {
    this.#history.push(event);
    if (this.#history.length > 2 * historyLength) {
      this.#history = this.#history.slice(-historyLength);
      this.#oldest = (this.#history[0]?.resourceVersion ?? this.#resourceVersion) - 1;
    }
    for (const listener of this.#listeners) listener(event);
  }
}

function resourceOf(key: string): string {
  return key.slice(0, key.indexOf('/', key.indexOf(':')));
}

/** `group:plural/namespace/name`; the namespace is empty for cluster-scoped objects. */
export function storeKey(resource: { group: string; plural: string }, namespace: string, name: string): string {
  return `${storePrefix(resource)}/${namespace}/${name}`;
}

export function storePrefix({ group, plural }: { group: string; plural: string }): string {
  return `${group}:${plural}`;
}
