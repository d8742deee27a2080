import type { KindRef, KubeObject, ObjectKey } from '../base/kube-object.ts';
import type { Logger } from '../base/logger.ts';

/**
 * What a reconcile asks of the queue. Nothing: wait for the next change. `requeueAfterMs`: look again after that time.
 * A thrown error requeues with the controller's exponential backoff.
 */
export interface Outcome {
  requeueAfterMs?: number;
}

export const done: Outcome = {};

export interface ReconcileContext {
  signal: AbortSignal;
  logger: Logger;
}

/** A further kind whose changes wake objects of the controller's own kind. */
export interface Watch<T extends KubeObject = KubeObject> {
  kind: KindRef;
  /** The objects to reconcile because of a change; `before` is absent when the object is new, `after` when it is gone. */
  wakes(change: { before: T | undefined; after: T | undefined }): ObjectKey[];
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
  /** How many objects are reconciled side by side. */
  concurrency: number;
}
