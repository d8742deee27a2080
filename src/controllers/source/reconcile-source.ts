import type { Artifact } from '../../api/artifact.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError, MillraceError } from '../../base/error.ts';
import { keyOf, type ObjectKey } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  getCondition,
  hasStatus,
  markReconciling,
  markStalled,
  removeConditions,
  setCondition,
} from '../../runtime/conditions.ts';
import { done, type Outcome, type ReconcileContext } from '../../runtime/controller.ts';
import type { EventRecorder, EventType } from '../../runtime/events.ts';
import { addFinalizer, removeFinalizer } from '../../runtime/finalizer.ts';
import { withJitter } from '../../runtime/interval.ts';
import { openRequest, requestedAt } from '../../runtime/request.ts';
import { createStatusPatcher, type StatusPatcher } from '../../runtime/status-patch.ts';
import { type SummaryRules, summariseReady } from '../../runtime/summary.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { SourceFault } from './source-fault.ts';
import { type SourceObject, type SourceStatus, sourceApiVersion, sourceControllerName } from './source-object.ts';

/** What every source controller is given. */
export interface SourceDeps {
  client: KubeClient;
  store: ArtifactStore;
  events: EventRecorder;
  clock?: Clock;
  /** Wait for a dependency (an included source), milliseconds. Default 30 seconds. */
  requeueDependencyMs?: number;
  /** ± of the interval, as a fraction. Default 0.05. */
  intervalJitter?: number;
}

/** One run of one object. `object` is changed in place; `patch` shows it to the cluster meanwhile. */
export interface SourceRun<T extends SourceObject> {
  object: T;
  status: NonNullable<T['status']>;
  signal: AbortSignal;
  logger: Logger;
  /** True where the stored artifact is the one the status tells of. */
  hasArtifact: boolean;
  /**
   * Shows progress: `Reconciling` with this message, and where the world is known to differ from the status (`drift`), or
   * nothing was known before, `Ready` Unknown with the same (spec/source.md §2.3).
   */
  progress(message: string, options?: { drift?: boolean; reason?: string }): void;
  patch(): Promise<void>;
  /** Records an event of this object; `metadata` goes to notifications. */
  event(type: EventType, reason: string, message: string, metadata?: Record<string, string>): void;
}

/** What a run found: whether anything is new, and what to tell about it. */
export interface SourceResult {
  /** Message of the event where a new artifact was stored. */
  stored?: string;
  /** What the source has that no artifact holds: links, devices. Told with a new artifact. */
  leftOut?: string | undefined;
}

export interface SourceKind<T extends SourceObject> {
  kind: string;
  rules: SummaryRules;
  /** Does the work of the kind; throws SourceFault for what a condition should tell. */
  work(run: SourceRun<T>): Promise<SourceResult>;
  /** What else to remove when an object goes. */
  cleanUp?(key: ObjectKey): Promise<void>;
}

/**
 * One run of a source, from reading the object to the last patch of its status: finalizer, suspension, storage check, the
 * kind's own work, summary, events, and when to come back (spec/source.md §2.3 to §2.6, §4).
 */
export async function reconcileSource<T extends SourceObject>(
  kind: SourceKind<T>,
  key: ObjectKey,
  deps: SourceDeps,
  context: ReconcileContext,
): Promise<Outcome> {
  const { client } = deps;
  const { signal } = context;
  const object = await client.get<T>({ apiVersion: sourceApiVersion, kind: kind.kind, ...key }, { signal });
  if (object === undefined) return done;
  if (object.metadata.deletionTimestamp !== undefined) return removeSource(kind, object, deps, context);
  await addFinalizer(client, object, { signal, fieldManager: sourceControllerName });
  const patcher = createStatusPatcher(client, object, sourceControllerName);
  if (object.spec.suspend === true) {
    answerRequest(object);
    await patcher.patch(object, { signal });
    return done;
  }
  return runSource(kind, object, { deps, context, patcher });
}

async function removeSource<T extends SourceObject>(
  kind: SourceKind<T>,
  object: T,
  { client, store, events }: SourceDeps,
  { signal }: ReconcileContext,
): Promise<Outcome> {
  await store.removeAll(kind.kind, keyOf(object));
  await kind.cleanUp?.(keyOf(object));
  events.event(object, 'Trace', 'GarbageCollectionSucceeded', 'garbage collected artifacts for deleted resource');
  await removeFinalizer(client, object, { signal, fieldManager: sourceControllerName });
  return done;
}

interface RunParts {
  deps: SourceDeps;
  context: ReconcileContext;
  patcher: StatusPatcher;
}

async function runSource<T extends SourceObject>(kind: SourceKind<T>, object: T, parts: RunParts): Promise<Outcome> {
  const { deps, context } = parts;
  const before = structuredClone(object.status ?? {}) as SourceStatus;
  const run = newRun(object, parts);
  let fault: SourceFault | undefined;
  let result: SourceResult = {};
  try {
    await announce(run);
    await checkStorage(kind, run, deps);
    result = await kind.work(run);
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    fault = error instanceof SourceFault ? error : unexpectedFault(error);
  }
  settle(kind, run, fault, deps.clock ?? systemClock);
  await parts.patcher.patch(object, { signal: context.signal });
  tell(run, before, result, fault);
  return outcomeOf(object, fault, deps);
}

function newRun<T extends SourceObject>(object: T, { deps, context, patcher }: RunParts): SourceRun<T> {
  const { clock = systemClock, events } = deps;
  object.status ??= {};
  return {
    object,
    get status() {
      // The helpers of conditions replace the status object as they write.
      object.status ??= {};
      return object.status as NonNullable<T['status']>;
    },
    signal: context.signal,
    logger: context.logger,
    hasArtifact: false,
    progress(message, { drift = false, reason = 'Progressing' } = {}) {
      markReconciling(object, reason, message, clock);
      const ready = getCondition(object, 'Ready');
      if (drift || ready === undefined || ready.status === 'Unknown') {
        setCondition(object, { type: 'Ready', status: 'Unknown', reason, message }, clock);
      }
    },
    patch: async () => void (await patcher.patch(object, { signal: context.signal })),
    event: (type, reason, message, metadata) => events.event(object, type, reason, message, metadata),
  };
}

async function announce(run: SourceRun<SourceObject>): Promise<void> {
  const { object, status } = run;
  const { generation } = object.metadata;
  const observed = status.observedGeneration;
  if (generation !== observed) {
    run.progress(`processing object: new generation ${observed ?? 0} -> ${generation ?? 0}`);
    return run.patch();
  }
  run.progress('reconciliation in progress');
  if (openRequest(object) !== undefined) await run.patch();
}

/** Says that something newer than what is stored is being stored. */
export async function announceRevision(run: SourceRun<SourceObject>, message: string): Promise<void> {
  const isStored = run.status.artifact !== undefined;
  if (isStored) {
    setCondition(run.object, { type: 'ArtifactOutdated', status: 'True', reason: 'NewRevision', message });
  }
  run.progress(`building artifact: ${message}`, { drift: true });
  if (isStored) await run.patch();
}

/** Garbage, then whether the artifact that the status tells of is there and whole (spec/source.md §2.8). */
async function checkStorage(
  kind: SourceKind<never>,
  run: SourceRun<SourceObject>,
  { store }: SourceDeps,
): Promise<void> {
  const { status } = run;
  const { artifact } = status;
  if (artifact !== undefined) {
    const collected = await store.collectGarbage(artifact).catch(() => 0);
    if (collected > 0) run.event('Trace', 'GarbageCollectionSucceeded', `garbage collected ${collected} artifacts`);
    const state = await store.check(artifact, run.signal);
    if (state === 'present') {
      run.hasArtifact = hasStatus(run.object, 'ArtifactInStorage', 'True');
      artifact.url = store.urlOf(artifact.path);
      // The link beside it: a changed address reaches it as well.
      if (status.url !== undefined) status.url = store.urlOf(linkPath(artifact.path, status.url));
      return;
    }
    if (state === 'damaged') await removeDamaged(run, store, artifact);
    run.logger.debug(`${kind.kind}: the stored artifact is ${state}`);
  }
  const { status: current } = run;
  delete current.artifact;
  delete current.url;
  removeConditions(run.object, 'ArtifactInStorage');
  const lost = artifact === undefined ? '' : ': disappeared from storage';
  run.progress(`building artifact${lost}`, { drift: true });
  // What was there is not: nobody should go on believing that it is ready.
  if (artifact !== undefined) await run.patch();
}

function linkPath(path: string, url: string): string {
  return `${path.slice(0, path.lastIndexOf('/') + 1)}${url.slice(url.lastIndexOf('/') + 1)}`;
}

async function removeDamaged(run: SourceRun<SourceObject>, store: ArtifactStore, artifact: Artifact): Promise<void> {
  const message = `failed to verify integrity of artifact: computed digest doesn't match '${artifact.digest}'`;
  run.event('Warning', 'ArtifactVerificationFailed', message);
  await store.remove(artifact);
}

/** Writes the outcome into the conditions. */
function settle<T extends SourceObject>(
  kind: SourceKind<T>,
  run: SourceRun<T>,
  fault: SourceFault | undefined,
  clock: Clock,
): void {
  const { object } = run;
  if (fault === undefined) {
    removeConditions(object, 'Reconciling', 'Stalled');
  } else {
    const { condition, reason, message, status } = fault;
    if (condition !== 'Stalled') setCondition(object, { type: condition, status, reason, message }, clock);
    if (fault.kind === 'stalled') markStalled(object, reason, message, clock);
    else keepReconciling(object, fault, clock);
  }
  summariseReady(object, kind.rules, clock);
  if (fault === undefined || fault.kind === 'stalled') run.status.observedGeneration = object.metadata.generation ?? 0;
  answerRequest(object);
}

function keepReconciling(object: SourceObject, fault: SourceFault, clock: Clock): void {
  const message = getCondition(object, 'Reconciling')?.message ?? fault.message;
  markReconciling(object, 'ProgressingWithRetry', message, clock);
}

function answerRequest(object: SourceObject): void {
  const token = requestedAt(object);
  if (token !== undefined) object.status = { ...object.status, lastHandledReconcileAt: token };
}

function tell(
  run: SourceRun<SourceObject>,
  before: SourceStatus,
  { stored, leftOut }: SourceResult,
  fault: SourceFault | undefined,
): void {
  if (fault !== undefined) {
    run.event(fault.kind === 'waiting' ? 'Trace' : 'Warning', fault.reason, fault.message);
    return;
  }
  const { artifact } = run.status;
  if (artifact === undefined || stored === undefined) return;
  const recovered = before.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False') === true;
  const isNew = artifact.digest !== before.artifact?.digest;
  if (!isNew && !recovered) return;
  const facts = { [revisionKey]: artifact.revision, [digestKey]: artifact.digest };
  run.event('Normal', isNew ? 'NewArtifact' : 'Succeeded', stored, facts);
  if (isNew && leftOut !== undefined) run.event('Trace', 'EntriesLeftOut', leftOut);
}

const revisionKey = 'source.toolkit.fluxcd.io/revision';
const digestKey = 'source.toolkit.fluxcd.io/digest';

function outcomeOf(object: SourceObject, fault: SourceFault | undefined, deps: SourceDeps): Outcome {
  if (fault === undefined) {
    const interval = parseDuration(object.spec.interval, 'spec.interval');
    // As in Flux, no interval means no further look.
    if (interval === 0) return done;
    return { requeueAfterMs: withJitter(interval, deps.intervalJitter ?? 0.05) };
  }
  if (fault.kind === 'stalled') return done;
  if (fault.kind === 'waiting') return { requeueAfterMs: deps.requeueDependencyMs ?? 30_000 };
  const { cause } = fault;
  throw new MillraceError('SOURCE_FAILED', fault.message, {
    cause,
    ...(isMillraceError(cause) && cause.hint !== undefined ? { hint: cause.hint } : {}),
    ...(isMillraceError(cause) && cause.retryAfterMs !== undefined ? { retryAfterMs: cause.retryAfterMs } : {}),
  });
}

/** What no step expected. The cluster's API not answering is no fault of the source: it is thrown on. */
function unexpectedFault(error: unknown): SourceFault {
  if (isMillraceError(error) && error.code.startsWith('KUBE_')) throw error;
  return new SourceFault('Failed', errorMessage(error), { cause: error });
}
