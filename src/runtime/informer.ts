import { sleep } from '../base/deadline.ts';
import { errorMessage, isMillraceError } from '../base/error.ts';
import { formatKey, type KindRef, type KubeObject, keyOf } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';
import { backoffDelayMs } from '../base/retry.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Change, Indexes, ObjectCache } from './controller.ts';
import { createObjectStore } from './object-store.ts';

export interface InformerOptions {
  client: KubeClient;
  kind: KindRef;
  /** All namespaces when left out. */
  namespace?: string;
  labelSelector?: string;
  /** What of an object is kept, where little of it is needed. Default: all but the managed fields. */
  keep?(object: KubeObject): KubeObject;
  logger: Logger;
}

/** `initial` marks the objects of the first list: they are there, nothing happened to them. */
export type ChangeListener = (change: Change, options: { initial: boolean }) => void;

/** Keeps a copy of a kind's objects up to date over one watch, and tells every change of them. */
export interface Informer {
  cache: ObjectCache;
  /** Listeners and indexes are added before `run`. */
  onChange(listener: ChangeListener): void;
  addIndexes(indexes: Indexes): void;
  /** Runs until the signal aborts, and then returns. Failures are retried for ever. */
  run(signal: AbortSignal): Promise<void>;
  /** Whether the first list has been read and told. */
  isSynced(): boolean;
}

const retryDelay = { firstDelayMs: 200, maxDelayMs: 5_000 };
/** A watch that held this long was a good one: after it the next starts at once. */
const healthyWatchMs = 900;
/** After so many watches in a row that could not go on, the version they go on from is doubted: list anew. */
const failuresBeforeRelist = 4;
const failuresBeforeWarning = 6;

/** Where the next watch goes on from; undefined asks for a list first. */
interface Position {
  version: string | undefined;
}

export function createInformer(options: InformerOptions): Informer {
  const { client, kind, namespace, labelSelector, keep = withoutManagedFields, logger } = options;
  const store = createObjectStore();
  const listeners: ChangeListener[] = [];
  const scope = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  };
  let synced = false;

  const tell = (change: Change, initial = false) => {
    for (const listener of listeners) listener(change, { initial });
  };
  const set = (object: KubeObject, initial: boolean) => {
    const slim = keep(object);
    const before = store.set(slim);
    if (before?.metadata.resourceVersion !== slim.metadata.resourceVersion) tell({ before, after: slim }, initial);
  };
  const remove = (object: KubeObject) => {
    const before = store.delete(keyOf(object));
    if (before !== undefined) tell({ before, after: undefined });
  };

  /** Brings the copy to what the server has now; what vanished unseen is told as gone. */
  const relist = async (signal: AbortSignal): Promise<string> => {
    const { items, resourceVersion } = await client.list(kind, { ...scope, signal });
    const present = new Set(items.map((object) => formatKey(keyOf(object))));
    for (const object of [...store.list()]) if (!present.has(formatKey(keyOf(object)))) remove(object);
    for (const object of items) set(object, !synced);
    synced = true;
    return resourceVersion;
  };

  /** Follows one watch to its end, and keeps the version to go on from. */
  const follow = async (position: Position, signal: AbortSignal) => {
    const resourceVersion = position.version ?? '';
    for await (const event of client.watch(kind, { ...scope, resourceVersion, signal })) {
      if (event.type === 'BOOKMARK') position.version = event.resourceVersion;
      else {
        if (event.type === 'DELETED') remove(event.object);
        else set(event.object, false);
        position.version = event.object.metadata.resourceVersion ?? position.version;
      }
    }
  };

  /** One list, where one is due, and one watch. */
  const session = async (position: Position, signal: AbortSignal): Promise<'ended' | 'expired' | 'failed'> => {
    try {
      position.version ??= await relist(signal);
      await follow(position, signal);
      return 'ended';
    } catch (error) {
      const expired = isMillraceError(error, 'KUBE_EXPIRED');
      if (!signal.aborted) logger.debug(`watch of ${kind.kind} failed: ${errorMessage(error)}`);
      return expired ? 'expired' : 'failed';
    }
  };

  return {
    cache: store,
    onChange: (listener) => void listeners.push(listener),
    addIndexes: (indexes) => store.addIndexes(indexes),
    isSynced: () => synced,
    async run(signal) {
      const position: Position = { version: undefined };
      for (let failures = 0; !signal.aborted; ) {
        const startedAt = performance.now();
        const end = await session(position, signal);
        const wasHealthy = performance.now() - startedAt > healthyWatchMs;
        failures = wasHealthy ? 0 : failures + 1;
        if (end === 'ended' && wasHealthy) continue;
        if (failures === failuresBeforeWarning)
          logger.warn(`cannot watch ${kind.kind} in ${kind.apiVersion}; retrying`);
        if (end === 'expired' || failures % failuresBeforeRelist === 0) position.version = undefined;
        await sleep(backoffDelayMs(Math.max(1, failures), retryDelay), signal).catch(() => {});
      }
    },
  };
}

/** Nobody here reads them, and they are half of an object's size. */
function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
