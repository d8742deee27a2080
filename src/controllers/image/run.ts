import { type Clock, systemClock } from '../../base/clock.ts';
import { errorMessage, isMillraceError, MillraceError } from '../../base/error.ts';
import type { KindRef, ObjectKey } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  type Conditioned,
  getCondition,
  isReady,
  markReconciling,
  markStalled,
  removeConditions,
  setCondition,
} from '../../runtime/conditions.ts';
import { done, type Outcome, type ReconcileContext } from '../../runtime/controller.ts';
import type { EventRecorder } from '../../runtime/events.ts';
import { addFinalizer, removeFinalizer } from '../../runtime/finalizer.ts';
import { openRequest, requestedAt } from '../../runtime/request.ts';
import { createStatusPatcher, type StatusPatcher } from '../../runtime/status-patch.ts';
import { Fault } from './fault.ts';

/** What every controller of an image kind is given. */
export interface ImageDeps {
  client: KubeClient;
  events: EventRecorder;
  clock?: Clock;
}

/** The status that all image kinds share. */
export type ImageObject = Conditioned & {
  spec: { suspend?: boolean | undefined };
  status?: { observedGeneration?: number | undefined; lastHandledReconcileAt?: string | undefined };
};

/** How one kind differs from the others. */
export interface ImageKind<T extends ImageObject> {
  kind: KindRef;
  /** Field manager and event source, `image-reflector-controller`. */
  component: string;
  /** Whether a request counts as handled although the object is suspended (spec/image.md §2.3 step 12). */
  answersWhileSuspended: boolean;
  /** What to remove with an object. */
  forget?(key: ObjectKey): Promise<void>;
  /** Does the work; throws Fault for what `Ready` should tell. */
  work(run: ImageRun<T>): Promise<ImageResult>;
}

/** One run of one object, which is changed in place. */
export interface ImageRun<T extends ImageObject> {
  object: T;
  status: NonNullable<T['status']>;
  key: ObjectKey;
  signal: AbortSignal;
  logger: Logger;
  clock: Clock;
  /** Shows progress in `Reconciling`; with `drift` also in `Ready`, which becomes Unknown. */
  progress(message: string, options?: { drift?: boolean }): void;
  patch(): Promise<void>;
}

/** What a run that ended well has to tell. */
export interface ImageResult {
  /** Message of `Ready`. */
  ready: string;
  requeueAfterMs?: number;
  /** The event that tells of something done, `ready` where left out. */
  event?: string;
  /** Whether there is something to tell although `Ready` says what it said before: a push. */
  isNews?: boolean;
  /** What the trace event says when nothing changed; `ready` where left out. */
  trace?: string;
}

/**
 * One run from reading the object to the last patch of its status: finalizer, suspension, the kind's work, conditions,
 * events, and when to come back (spec/image.md §2.3, §10).
 */
export async function reconcileImageKind<T extends ImageObject>(
  kind: ImageKind<T>,
  key: ObjectKey,
  deps: ImageDeps,
  context: ReconcileContext,
): Promise<Outcome> {
  const { client } = deps;
  const { signal } = context;
  const object = await client.get<T>({ ...kind.kind, ...key }, { signal });
  if (object === undefined) return done;
  const patcher = createStatusPatcher(client, object, kind.component);
  if (object.metadata.deletionTimestamp !== undefined) {
    await kind.forget?.(key);
    await removeFinalizer(client, object, { signal, fieldManager: kind.component });
    return done;
  }
  await addFinalizer(client, object, { signal, fieldManager: kind.component });
  if (object.spec.suspend === true) {
    context.logger.info('reconciliation is suspended for this object');
    if (kind.answersWhileSuspended) answerRequest(object);
    await patcher.patch(object, { signal });
    return done;
  }
  return runKind(kind, object, { key, deps, context, patcher });
}

interface RunParts {
  key: ObjectKey;
  deps: ImageDeps;
  context: ReconcileContext;
  patcher: StatusPatcher;
}

async function runKind<T extends ImageObject>(kind: ImageKind<T>, object: T, parts: RunParts): Promise<Outcome> {
  const { deps, context, patcher } = parts;
  const before = structuredClone(object);
  const run = newRun(object, parts);
  let outcome: ImageResult | Fault;
  try {
    await announce(run);
    outcome = await kind.work(run);
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    outcome = error instanceof Fault ? error : unexpectedFault(error);
  }
  settle(object, outcome, run.clock);
  await patcher.patch(object, { signal: context.signal });
  tell(deps.events, before, object, outcome);
  return outcomeOf(outcome);
}

function newRun<T extends ImageObject>(object: T, { key, deps, context, patcher }: RunParts): ImageRun<T> {
  const { clock = systemClock } = deps;
  object.status ??= {};
  return {
    object,
    get status() {
      // The helpers of conditions replace the status object as they write.
      object.status ??= {};
      return object.status as NonNullable<T['status']>;
    },
    key,
    signal: context.signal,
    logger: context.logger,
    clock,
    progress(message, { drift = false } = {}) {
      markReconciling(object, 'Progressing', message, clock);
      const ready = getCondition(object, 'Ready');
      if (drift || ready === undefined || ready.status === 'Unknown') {
        setCondition(object, { type: 'Ready', status: 'Unknown', reason: 'Progressing', message }, clock);
      }
    },
    patch: async () => void (await patcher.patch(object, { signal: context.signal })),
  };
}

async function announce(run: ImageRun<ImageObject>): Promise<void> {
  const { object, status } = run;
  const { generation } = object.metadata;
  run.progress('reconciliation in progress');
  if (generation !== status.observedGeneration) {
    run.progress(`processing object: new generation ${status.observedGeneration ?? 0} -> ${generation ?? 0}`);
    await run.patch();
  } else if (openRequest(object) !== undefined) await run.patch();
}

/** Writes the outcome into the conditions. */
function settle(object: ImageObject, outcome: ImageResult | Fault, clock: Clock): void {
  if (!(outcome instanceof Fault)) {
    removeConditions(object, 'Reconciling', 'Stalled');
    setCondition(object, { type: 'Ready', status: 'True', reason: 'Succeeded', message: outcome.ready }, clock);
  } else if (outcome.stalled) {
    const { reason, message } = outcome;
    markStalled(object, reason, message, clock);
    // An earlier failure keeps its own reason: Flux fills Ready from Stalled only where it said something else.
    if (getCondition(object, 'Ready')?.status !== 'False') {
      setCondition(object, { type: 'Ready', status: 'False', reason, message }, clock);
    }
  } else {
    const { reason, message } = outcome;
    setCondition(object, { type: 'Ready', status: 'False', reason, message }, clock);
    const progress = getCondition(object, 'Reconciling')?.message ?? message;
    markReconciling(object, 'ProgressingWithRetry', progress, clock);
  }
  const isSettled = !(outcome instanceof Fault) || outcome.stalled;
  if (isSettled) object.status = { ...object.status, observedGeneration: object.metadata.generation ?? 0 };
  answerRequest(object);
}

function answerRequest(object: ImageObject): void {
  const token = requestedAt(object);
  if (token !== undefined) object.status = { ...object.status, lastHandledReconcileAt: token };
}

/** The events of spec/image.md §10. */
function tell(events: EventRecorder, before: ImageObject, object: ImageObject, outcome: ImageResult | Fault): void {
  const ready = getCondition(object, 'Ready');
  const reason = ready?.reason ?? 'Succeeded';
  if (outcome instanceof Fault) {
    events.event(object, 'Warning', reason, ready?.message ?? outcome.message);
    return;
  }
  const wasReady = isReady({
    ...before,
    metadata: { ...before.metadata, generation: object.metadata.generation ?? 0 },
  });
  const isNews = outcome.isNews ?? getCondition(before, 'Ready')?.message !== outcome.ready;
  if (!wasReady || isNews) events.event(object, 'Normal', reason, outcome.event ?? outcome.ready);
  else events.event(object, 'Trace', 'Succeeded', outcome.trace ?? outcome.ready);
}

function outcomeOf(outcome: ImageResult | Fault): Outcome {
  if (!(outcome instanceof Fault)) {
    return outcome.requeueAfterMs === undefined ? done : { requeueAfterMs: outcome.requeueAfterMs };
  }
  if (outcome.stalled) return done;
  if (outcome.requeueAfterMs !== undefined) return { requeueAfterMs: outcome.requeueAfterMs };
  const { cause } = outcome;
  throw new MillraceError('IMAGE_RECONCILE_FAILED', outcome.message, {
    cause,
    ...(isMillraceError(cause) && cause.hint !== undefined && { hint: cause.hint }),
    ...(isMillraceError(cause) && cause.retryAfterMs !== undefined && { retryAfterMs: cause.retryAfterMs }),
  });
}

/** What no step expected. The cluster's API not answering is no fault of the object: it is thrown on. */
function unexpectedFault(error: unknown): Fault {
  if (isMillraceError(error) && error.code.startsWith('KUBE_')) throw error;
  if (!isMillraceError(error)) throw error;
  return new Fault('Failed', errorMessage(error), { cause: error });
}
