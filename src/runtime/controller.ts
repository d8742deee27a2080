import type { KindRef, KubeObject, ObjectKey } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';

/**
 * What a reconcile asks of the queue. Nothing: wait for the next change. `requeueAfterMs`: look again after that time;
 * it takes the place of any earlier appointment of the object. A thrown error requeues with the exponential backoff of
 * the object, unless it is a MillraceError that says `retry: 'never'`.
 */
export interface Outcome {
  requeueAfterMs?: number;
}

export const done: Outcome = {};

export interface ReconcileContext {
  /** Aborts when the process ends and the time for an orderly end is up: stop, whatever it is. */
  signal: AbortSignal;
  /** Aborts when the object is woken again during this run: whoever merely waits (for health) may stop waiting. */
  superseded: AbortSignal;
  logger: Logger;
}

/** The objects of a kind as last seen by its informer: for finding whom to wake, not for deciding what to do. */
export interface ObjectCache<T extends KubeObject = KubeObject> {
  get(key: ObjectKey): T | undefined;
  list(): Iterable<T>;
  /** The objects that `indexes[index]` gave this value for. */
  by(index: string, value: string): T[];
}

/** From an object to the values it is found under; such as the name of the source that a Kustomization refers to. */
export type Indexes = Record<string, (object: KubeObject) => string[]>;

/** A change of one object; `before` is absent when it is new, `after` when it is gone. Never both. */
export interface Change<T extends KubeObject = KubeObject> {
  before: T | undefined;
  after: T | undefined;
}

/** A further kind whose changes wake objects of the controller's own kind. */
export interface Watch<T extends KubeObject = KubeObject> {
  kind: KindRef;
  /** Only objects with these labels are looked at. */
  labelSelector?: string;
  /** The objects to reconcile because of a change. `own` are the objects of the controller's own kind. */
  wakes(change: Change<T>, own: ObjectCache): ObjectKey[];
}

/**
 * One kind's control loop: level-based, one object at a time, never the same object twice at once. The manager
 * (manager.ts) runs the loop over informers, with a work queue, concurrency and metrics.
 */
export interface Controller {
  /** Name in events, logs and metrics, as Flux has it: `source-controller`, `kustomize-controller` … */
  name: string;
  kind: KindRef;
  /** Called for objects that exist and for ones that have just gone; reads what it needs itself. */
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<Outcome>;
  watches?: Watch[];
  /** Indexes over the own kind, for `own.by` in `wakes`. */
  indexes?: Indexes;
  /** Which changes of the own kind count. Default: `isReconcileTrigger` (a new generation, or a request). */
  triggers?(change: Change): boolean;
  /** How many objects are reconciled side by side. */
  concurrency: number;
  /**
   * After this time, in milliseconds, a run that is still going on (it waits for a slow server) no longer counts, so that
   * others need not wait for it. Runs always count where left out.
   */
  slowAfterMs?: number;
}
