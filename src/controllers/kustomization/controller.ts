import type { Artifact } from '../../api/artifact.ts';
import { Bucket } from '../../api/bucket.ts';
import { ExternalArtifact } from '../../api/external-artifact.ts';
import { GitRepository } from '../../api/git-repository.ts';
import { kindRef } from '../../api/kind.ts';
import { Kustomization } from '../../api/kustomization.ts';
import { OCIRepository } from '../../api/oci-repository.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/error.ts';
import { formatKey, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { backoffDelayMs } from '../../base/retry.ts';
import { isTransient } from '../../kube/status-error.ts';
import { getCondition, hasStatus, removeConditions, setCondition } from '../../runtime/conditions.ts';
import { type Controller, done, type Outcome, type ReconcileContext } from '../../runtime/controller.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../runtime/finalizer.ts';
import { withJitter } from '../../runtime/interval.ts';
import { isReconcileTrigger, requestedAt } from '../../runtime/request.ts';
import { createStatusPatcher } from '../../runtime/status-patch.ts';
import { dependencyDelayMs, gatesOf, type KustomizationDeps } from './deps.ts';
import type { KustomizationFault } from './fault.ts';
import { finalizeKustomization } from './finalize.ts';
import { beginWait, eventFacts, type HealthWait, lookAtHealth, supersededBy } from './health-wait.ts';
import { recordHistory } from './history.ts';
import { type Applied, applyRevision, asFault } from './reconcile.ts';
import {
  clockOf,
  commitStatusUpdate,
  emit,
  fieldManager,
  forgetRuns,
  type Memory,
  markFault,
  originRevisionOf,
  type Run,
} from './run.ts';
import { createTargets } from './target.ts';
import { configWatch, dependencyWatch, kustomizationIndexes, sourceWatch } from './watches.ts';

const statusManager = 'gotk-kustomize-controller';
const defaultConfigSelector = 'reconcile.fluxcd.io/watch=Enabled';

/** Applies what sources hold, and keeps it so (spec/kustomization.md). */
export function createKustomizationController(deps: KustomizationDeps): Controller {
  const kind = kindRef(Kustomization);
  const memory: Memory = {
    targets: createTargets(deps),
    waits: new Map(),
    terminations: new Map(),
    dependants: new Set(),
    failures: new Map(),
  };
  const gates = gatesOf(deps);
  const selector = deps.watchConfigsSelector ?? defaultConfigSelector;
  const configs = gates.disableConfigWatchers
    ? []
    : [configWatch('ConfigMap', selector), configWatch('Secret', selector)];
  const sources = [GitRepository, OCIRepository, Bucket].map(kindRef);
  if (gates.externalArtifact) sources.push(kindRef(ExternalArtifact));
  return {
    name: fieldManager,
    kind,
    concurrency: deps.concurrency ?? 4,
    slowAfterMs: 3_000,
    indexes: kustomizationIndexes,
    triggers: isReconcileTrigger,
    watches: [...sources.map(sourceWatch), dependencyWatch(kind, (id) => memory.dependants.has(id)), ...configs],
    reconcile: (key, context) => reconcile(key, deps, memory, context),
  };
}

async function reconcile(
  key: ObjectKey,
  deps: KustomizationDeps,
  memory: Memory,
  { signal, logger }: ReconcileContext,
): Promise<Outcome> {
  const id = formatKey(key);
  memory.dependants.delete(id);
  try {
    const object = await deps.client.get<Kustomization>({ ...kindRef(Kustomization), ...key }, { signal });
    if (object === undefined) return await forget(key, memory);
    const patcher = createStatusPatcher(deps.client, object, statusManager);
    const clock = clockOf(deps);
    const run: Run = { id, object, deps, memory, signal, logger, patcher, clock, startedMs: clock.now(), shownAt: 0 };
    return await reconcileObject(run);
  } catch (error) {
    signal.throwIfAborted();
    if (!isTransient(error)) throw error;
    logger.warn(`will try again: ${errorMessage(error)}`);
    return { requeueAfterMs: nextDelayMs(memory, id) };
  }
}

async function forget(key: ObjectKey, memory: Memory): Promise<Outcome> {
  forgetRuns(memory, formatKey(key));
  await memory.targets.forget(key);
  return done;
}

/** What passes by itself is tried again soon, then less and less often: when the fault goes, the end is not far. */
const transientBackoff = { firstDelayMs: 750, maxDelayMs: 60_000 };

function nextDelayMs({ failures }: Memory, id: string): number {
  const count = (failures.get(id) ?? 0) + 1;
  failures.set(id, count);
  return backoffDelayMs(count, transientBackoff);
}

async function reconcileObject(run: Run): Promise<Outcome> {
  const { id, object, deps, memory, patcher, signal, logger } = run;
  const options = { signal, fieldManager: statusManager };
  if (object.metadata.deletionTimestamp !== undefined) {
    memory.waits.delete(id);
    if (!hasFinalizer(object)) return done;
    const requeueAfterMs = await finalizeKustomization(run);
    if (requeueAfterMs !== undefined) return { requeueAfterMs };
    await removeFinalizer(deps.client, object, options);
    return forget(keyOf(object), memory);
  }
  await addFinalizer(deps.client, object, options);
  if (object.spec.suspend === true) {
    memory.waits.delete(id);
    logger.info('reconciliation is suspended for this object');
    answerRequest(object);
    // What was ready stays so, or its dependants would wait for as long as it is suspended.
    if (hasStatus(object, 'Ready', 'True')) settle(object);
    await patcher.patch(object, { signal });
    return done;
  }
  return carryOut(run);
}

/** A run from its beginning, or one more look at the health of what an earlier one has applied. */
async function carryOut(run: Run): Promise<Outcome> {
  const { id, object, patcher, signal, memory } = run;
  let wait = memory.waits.get(id);
  memory.waits.delete(id);
  let begun: Begun | undefined;
  try {
    wait = await stillWanted(run, wait);
    if (wait === undefined) {
      const applied = await applyRevision(run, (facts) => {
        begun = facts;
      });
      wait = await beginWait(run, applied);
      if (wait === undefined) return await succeed(run, applied);
    } else {
      begun = wait.applied;
      run.startedMs = wait.startedMs;
    }
    if (await lookAtHealth(run, wait)) return await succeed(run, wait.applied);
    memory.waits.set(id, wait);
    await patcher.patch(object, { signal });
    return { requeueAfterMs: wait.pollMs };
  } catch (error) {
    signal.throwIfAborted();
    return fail(run, asFault(error), begun);
  }
}

interface Begun {
  artifact: Artifact;
  digest: string;
}

async function stillWanted(run: Run, wait: HealthWait | undefined): Promise<HealthWait | undefined> {
  if (wait === undefined) return undefined;
  const trigger = await supersededBy(run, wait);
  if (trigger === undefined) return wait;
  const { object, clock } = run;
  const message = `New reconciliation triggered by ${trigger}`;
  setCondition(object, { type: 'Ready', status: 'False', reason: 'HealthCheckCanceled', message }, clock);
  emit(
    run,
    'Normal',
    `Health checks canceled due to new reconciliation triggered by ${trigger}`,
    eventFacts(wait.applied),
  );
  return undefined;
}

async function succeed(run: Run, { artifact, digest }: Applied): Promise<Outcome> {
  const { object, deps, patcher, signal, clock } = run;
  const { revision } = artifact;
  const originRevision = originRevisionOf(artifact);
  const { lastAppliedOriginRevision: _, ...status } = object.status ?? {};
  object.status = {
    ...status,
    lastAppliedRevision: revision,
    ...(originRevision === undefined ? {} : { lastAppliedOriginRevision: originRevision }),
  };
  run.memory.failures.delete(run.id);
  settle(object);
  const [reason, message] = ['ReconciliationSucceeded', `Applied revision: ${revision}`];
  setCondition(object, { type: 'Ready', status: 'True', reason, message }, clock);
  const nowMs = clock.now();
  recordHistory(object, { digest, outcome: reason, revision, originRevision, startedMs: run.startedMs, nowMs });
  answerRequest(object);
  await patcher.patch(object, { signal });
  const text = `Reconciliation finished in ${formatDuration(nowMs - run.startedMs)}, next run in ${formatDuration(parseDuration(object.spec.interval))}`;
  emit(run, 'Normal', text, { revision, originRevision, metadata: commitStatusUpdate });
  return { requeueAfterMs: withJitter(parseDuration(object.spec.interval), deps.intervalJitter) };
}

async function fail(run: Run, fault: KustomizationFault, begun: Begun | undefined): Promise<Outcome> {
  const { object, deps, patcher, signal, clock, startedMs } = run;
  markFault(run, fault);
  const revision = begun?.artifact.revision ?? object.status?.lastAttemptedRevision;
  const originRevision = originRevisionOf(begun?.artifact);
  if (fault.options.applied === true && begun !== undefined) {
    const { digest } = begun;
    const facts = { digest, outcome: fault.reason, revision: begun.artifact.revision, originRevision };
    recordHistory(object, { ...facts, startedMs, nowMs: clock.now() });
  }
  answerRequest(object);
  await patcher.patch(object, { signal });
  const { event = fault.message, eventType = 'Warning' } = fault.options;
  if (event !== null) emit(run, eventType, event, { revision, originRevision });
  run.logger.info(`${getCondition(object, 'Ready')?.reason}: ${fault.message}`);
  if (fault.kind === 'terminal') return done;
  if (fault.kind === 'wait') return { requeueAfterMs: dependencyDelayMs(deps) };
  const { retryInterval, interval } = object.spec;
  const retryMs = parseDuration(retryInterval ?? interval);
  if (isTransient(fault)) return { requeueAfterMs: Math.min(retryMs, nextDelayMs(run.memory, run.id)) };
  run.memory.failures.delete(run.id);
  return { requeueAfterMs: retryMs };
}

/** Nothing is left to do for the present generation. */
function settle(object: Kustomization): void {
  removeConditions(object, 'Reconciling', 'Stalled');
  const { generation } = object.metadata;
  if (generation !== undefined) object.status = { ...object.status, observedGeneration: generation };
}

function answerRequest(object: Kustomization): void {
  const token = requestedAt(object);
  if (token !== undefined) object.status = { ...object.status, lastHandledReconcileAt: token };
}
