import type { KubeObject } from '../../../base/kube-object.ts';

/** A change of an object: `previous` is what it was before, absent when it was created. */
export interface Change {
  revision: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
  previous: KubeObject | undefined;
}

/** The recent changes of one resource and who listens to the coming ones. */
export interface WatchFeed {
  publish(change: Change): void;
  /** Changes after `revision`; undefined when some of them are forgotten already. */
  since(revision: number): readonly Change[] | undefined;
  subscribe(listener: (change: Change) => void): () => void;
  /** Forgets the history up to `revision`, as etcd's compaction does. */
  forget(revision: number): void;
}

/** So many changes are remembered for each resource before the older half is forgotten. */
const mostRemembered = 4096;

/** A feed that knows nothing of changes up to `start`. */
export function createWatchFeed(start: number): WatchFeed {
  let history: Change[] = [];
  let forgottenUpTo = start;
  const listeners = new Set<(change: Change) => void>();
  const forget = (revision: number) => {
    forgottenUpTo = Math.max(forgottenUpTo, revision);
    history = history.filter((change) => change.revision > forgottenUpTo);
  };
  return {
    publish(change) {
      history.push(change);
      if (history.length > mostRemembered) forget(history[history.length >> 1]?.revision ?? 0);
      for (const listener of listeners) listener(change);
    },
    since(revision) {
      if (revision < forgottenUpTo) return undefined;
      let first = history.length;
      while (first > 0 && (history[first - 1]?.revision ?? 0) > revision) first--;
      return history.slice(first);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forget,
  };
}
