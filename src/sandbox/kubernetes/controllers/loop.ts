import type { KubeObject } from '../../../base/kube-object.ts';
import type { ObjectStore, StoreEvent } from '../store.ts';

/** A stand-in for one of Kubernetes' controllers: brings one object a step nearer to what it asks for. */
export interface Stand {
  /** `Kind` of the objects it looks after. */
  kind: string;
  /** `object` is undefined when it is gone; `before` is its last state then. */
  reconcile(object: KubeObject | undefined, before: KubeObject | undefined, again: (afterMs: number) => void): void;
  /** Objects of the own kind to look at again because of a change of another kind. */
  wakes?(event: StoreEvent): KubeObject[];
}

/** Runs the stand-ins: one object at a time, each at most once per turn of the event loop, whatever happened to it. */
export class ControlLoop {
  readonly #store: ObjectStore;
  readonly #stands: readonly Stand[];
  readonly #dirty = new Map<string, { stand: Stand; key: string; before: KubeObject | undefined }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isScheduled = false;
  #isClosed = false;
  #unsubscribe: () => void;

  constructor(store: ObjectStore, stands: readonly Stand[]) {
    this.#store = store;
    this.#stands = stands;
    this.#unsubscribe = store.subscribe((event) => this.#onEvent(event));
  }

  /** Looks at an object as if it had just changed. */
  wake(key: string, object: KubeObject): void {
    for (const stand of this.#stands) if (stand.kind === object.kind) this.#mark(stand, key, undefined);
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #onEvent(event: StoreEvent): void {
    for (const stand of this.#stands) {
      if (stand.kind === event.object.kind) this.#mark(stand, event.key, event.before);
      for (const other of stand.wakes?.(event) ?? []) this.#mark(stand, siblingKey(event.key, stand, other), undefined);
    }
  }

  #mark(stand: Stand, key: string, before: KubeObject | undefined): void {
    const id = `${stand.kind} ${key}`;
    if (!this.#dirty.has(id)) this.#dirty.set(id, { stand, key, before });
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    const work = [...this.#dirty.values()];
    this.#dirty.clear();
    for (const { stand, key, before } of work) {
      stand.reconcile(this.#store.get(key), before, (afterMs) => this.#later(stand, key, afterMs));
    }
  }

  #later(stand: Stand, key: string, afterMs: number): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#mark(stand, key, undefined);
    }, afterMs);
    this.#timers.add(timer);
  }
}

const resources: Record<string, string> = {
  Deployment: 'apps:deployments',
  ReplicaSet: 'apps:replicasets',
  StatefulSet: 'apps:statefulsets',
  DaemonSet: 'apps:daemonsets',
  Job: 'batch:jobs',
  Namespace: ':namespaces',
};

function siblingKey(_key: string, stand: Stand, { metadata }: KubeObject): string {
  return `${resources[stand.kind]}/${metadata.namespace ?? ''}/${metadata.name}`;
}
