import type { KubeObject } from '../../../base/kube-object.ts';
import type { Store } from '../storage/store.ts';
import type { Change } from '../storage/watch-feed.ts';

/** A stand-in for one of Kubernetes' controllers: brings one object of a resource a step nearer to what it asks for. */
export interface Stand {
  /** The resource it looks after: `apps/deployments`. */
  storage: string;
  /** `object` is undefined when it is gone; `last` is its state before. `again` asks for another look after a time. */
  reconcile(object: KubeObject | undefined, last: KubeObject | undefined, again: (afterMs: number) => void): void;
  /** Objects of its resource to look at because of a change of another resource. */
  wakes?(resource: string, change: Change): readonly KubeObject[];
}

/** Runs stand-ins: each object at most once per turn of the event loop, whatever happened to it meanwhile. */
export interface ControlLoop {
  close(): void;
}

interface Work {
  stand: Stand;
  namespace: string;
  name: string;
  last: KubeObject | undefined;
}

/** Starts the loop; everything that exists is looked at once. */
export function startControlLoop(
  store: Store,
  stands: readonly Stand[],
  onError: (error: unknown) => void,
): ControlLoop {
  const queue = new Map<string, Work>();
  const timers = new Set<NodeJS.Timeout>();
  let scheduled = false;
  let closed = false;

  const mark = (stand: Stand, { metadata }: KubeObject, last: KubeObject | undefined) => {
    const { namespace = '', name } = metadata;
    const id = `${stand.storage}/${namespace}/${name}`;
    if (!queue.has(id)) queue.set(id, { stand, namespace, name, last });
    if (scheduled || closed) return;
    scheduled = true;
    setImmediate(run);
  };
  const run = () => {
    scheduled = false;
    if (closed) return;
    const work = [...queue.values()];
    queue.clear();
    for (const { stand, namespace, name, last } of work) {
      const again = (afterMs: number) => {
        if (closed) return;
        const timer = setTimeout(() => {
          timers.delete(timer);
          mark(stand, { metadata: { namespace, name } } as KubeObject, undefined);
        }, afterMs);
        timers.add(timer);
      };
      try {
        stand.reconcile(store.get(stand.storage, namespace, name), last, again);
      } catch (error) {
        onError(error);
      }
    }
  };
  const unsubscribe = store.subscribeAll((resource, change) => {
    for (const stand of stands) {
      if (stand.storage === resource) mark(stand, change.object, change.previous);
      for (const other of stand.wakes?.(resource, change) ?? []) mark(stand, other, undefined);
    }
  });
  for (const stand of stands) for (const object of store.list(stand.storage)) mark(stand, object, undefined);
  return {
    close() {
      closed = true;
      unsubscribe();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
