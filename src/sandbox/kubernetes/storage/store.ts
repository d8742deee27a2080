import type { KubeObject } from '../../../base/kube-object.ts';
import { compareBytes } from '../../../base/text.ts';
import { type JournalRecord, openJournal } from './journal.ts';
import { createOwnerIndex } from './owner-index.ts';
import { type Change, createWatchFeed, type WatchFeed } from './watch-feed.ts';

/**
 * All objects by resource (`apps/deployments`, `/pods`), namespace and name. Objects are never changed in place: a write
 * replaces the whole object and gives it the next revision as its resourceVersion.
 */
export interface Store {
  /** The revision of the last write. */
  revision(): number;
  get(resource: string, namespace: string, name: string): KubeObject | undefined;
  /** Objects in the order of their keys; of one namespace, or of all. */
  list(resource: string, namespace?: string): KubeObject[];
  /** Creates or replaces an object; returns it with its new resourceVersion. */
  put(resource: string, object: KubeObject): KubeObject;
  /** Takes an object away; returns its last state with the resourceVersion of the removal. */
  remove(resource: string, object: KubeObject): KubeObject;
  /** The changes of a resource after a revision; undefined when they are not remembered any more. */
  changesSince(resource: string, revision: number): readonly Change[] | undefined;
  subscribe(resource: string, listener: (change: Change) => void): () => void;
  /** Tells of every change of every resource. */
  subscribeAll(listener: (resource: string, change: Change) => void): () => void;
  /** The objects that name an owner of this uid, with their resources. */
  dependants(uid: string): { resource: string; object: KubeObject }[];
  /** Resources that have objects. */
  resources(): string[];
  /** Forgets the history of all resources, so that older resourceVersions are answered with 410. */
  forgetHistory(): void;
  close(): Promise<void>;
}

interface Namespaced {
  objects: Map<string, KubeObject>;
  /** Names in key order, rebuilt when an object came or went. */
  order: string[] | undefined;
}

/** The log is rewritten when it has grown past this and past what the objects themselves take. */
const compactAfterBytes = 16 * 1024 * 1024;

/** Opens the store that lives in `dir`. */
export async function openStore(dir: string): Promise<Store> {
  const byResource = new Map<string, Map<string, Namespaced>>();
  const feeds = new Map<string, WatchFeed>();
  const owners = createOwnerIndex();
  const everywhere = new Set<(resource: string, change: Change) => void>();
  let revision = 0;

  const place = (resource: string, object: KubeObject) => {
    const { namespace = '', name } = object.metadata;
    const namespaces = getOrAdd(byResource, resource, () => new Map<string, Namespaced>());
    const table = getOrAdd(namespaces, namespace, () => ({ objects: new Map(), order: undefined }));
    const previous = table.objects.get(name);
    if (previous === undefined) table.order = undefined;
    owners.replace(resource, previous, object);
    table.objects.set(name, object);
  };
  const take = (resource: string, namespace: string, name: string) => {
    const namespaces = byResource.get(resource);
    const table = namespaces?.get(namespace);
    const previous = table?.objects.get(name);
    if (table === undefined || previous === undefined) return;
    owners.replace(resource, previous, undefined);
    table.objects.delete(name);
    table.order = undefined;
    if (table.objects.size === 0) namespaces?.delete(namespace);
  };
  const replay = (record: JournalRecord) => {
    if (record.op === 'put') {
      place(record.resource, record.object);
      revision = Math.max(revision, Number(record.object.metadata.resourceVersion));
      return;
    }
    if (record.op === 'remove') take(record.resource, record.namespace, record.name);
    revision = Math.max(revision, record.revision);
  };

  const journal = await openJournal(dir, replay);
  const startRevision = revision;
  let lastSnapshotBytes = 0;

  const feedOf = (resource: string): WatchFeed => getOrAdd(feeds, resource, () => createWatchFeed(startRevision));
  const publish = (resource: string, change: Change) => {
    feedOf(resource).publish(change);
    for (const listener of everywhere) listener(resource, change);
    compactWhenLarge();
  };
  const compactWhenLarge = () => {
    if (journal.size() < Math.max(compactAfterBytes, 2 * lastSnapshotBytes)) return;
    lastSnapshotBytes = journal.size() / 2;
    const records: JournalRecord[] = [{ op: 'revision', revision }];
    for (const [resource, namespaces] of byResource) {
      for (const { objects } of namespaces.values()) {
        for (const object of objects.values()) records.push({ op: 'put', resource, object });
      }
    }
    void journal.compact(records).catch(() => undefined);
  };

  const tableInOrder = (table: Namespaced): KubeObject[] => {
    table.order ??= [...table.objects.keys()].sort(compareBytes);
    return table.order.map((name) => table.objects.get(name) as KubeObject);
  };

  return {
    revision: () => revision,
    get: (resource, namespace, name) => byResource.get(resource)?.get(namespace)?.objects.get(name),
    list(resource, namespace) {
      const namespaces = byResource.get(resource);
      if (namespaces === undefined) return [];
      if (namespace !== undefined) {
        const table = namespaces.get(namespace);
        return table === undefined ? [] : tableInOrder(table);
      }
      return [...namespaces.entries()]
        .sort(([a], [b]) => compareBytes(a, b))
        .flatMap(([, table]) => tableInOrder(table));
    },
    put(resource, object) {
      const { namespace = '', name } = object.metadata;
      const previous = byResource.get(resource)?.get(namespace)?.objects.get(name);
      const next = revision + 1;
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(next) } };
      journal.append({ op: 'put', resource, object: stored });
      revision = next;
      place(resource, stored);
      const type = previous === undefined ? 'ADDED' : 'MODIFIED';
      publish(resource, { revision: next, type, object: stored, previous });
      return stored;
    },
    remove(resource, object) {
      const { namespace = '', name } = object.metadata;
      const next = revision + 1;
      journal.append({ op: 'remove', resource, namespace, name, revision: next });
      revision = next;
      take(resource, namespace, name);
      const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(next) } };
      publish(resource, { revision: next, type: 'DELETED', object: last, previous: object });
      return last;
    },
    changesSince: (resource, since) => feedOf(resource).since(since),
    subscribe: (resource, listener) => feedOf(resource).subscribe(listener),
    subscribeAll(listener) {
      everywhere.add(listener);
      return () => everywhere.delete(listener);
    },
    dependants: owners.dependants,
    resources: () => [...byResource].filter(([, namespaces]) => namespaces.size > 0).map(([resource]) => resource),
    forgetHistory() {
      for (const feed of feeds.values()) feed.forget(revision);
    },
    close: () => journal.close(),
  };
}

function getOrAdd<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
