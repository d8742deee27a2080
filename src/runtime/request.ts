import type { KubeObject } from '../base/kube-object.ts';
import type { Change } from './controller.ts';

/** A person (or `flux reconcile`) asks for a run by giving this annotation a new value (spec/source.md §2.5). */
export const requestedAtAnnotation = 'reconcile.fluxcd.io/requestedAt';

/** The request that the object carries, an opaque token; undefined without one. */
export function requestedAt(object: KubeObject): string | undefined {
  const value = object.metadata.annotations?.[requestedAtAnnotation];
  return value === '' ? undefined : value;
}

/** The request if `status.lastHandledReconcileAt` does not answer it yet. */
export function openRequest(object: KubeObject & { status?: { lastHandledReconcileAt?: string } }): string | undefined {
  const token = requestedAt(object);
  return token !== undefined && token !== object.status?.lastHandledReconcileAt ? token : undefined;
}

/** True when an update gave the request annotation a new value; its removal asks for nothing. */
export function isManualRequest({ before, after }: Change): boolean {
  if (before === undefined || after === undefined) return false;
  const token = requestedAt(after);
  return token !== undefined && token !== requestedAt(before);
}

/** Flux's watch predicate: creation, a new generation, a request, the start of a deletion; not a mere status update. */
export function isReconcileTrigger(change: Change): boolean {
  const { before, after } = change;
  if (before === undefined || after === undefined) return true;
  return (
    before.metadata.generation !== after.metadata.generation ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    before.metadata.uid !== after.metadata.uid ||
    isManualRequest(change)
  );
}
