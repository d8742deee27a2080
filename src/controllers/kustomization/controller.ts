import type { Artifact } from '../../api/artifact.ts';
import { GitRepository } from '../../api/git-repository.ts';
import { kindRef } from '../../api/kind.ts';
import { Kustomization } from '../../api/kustomization.ts';
import { OCIRepository } from '../../api/oci-repository.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { formatKey, type ObjectKey } from '../../base/kube-object.ts';
import { getCondition, removeConditions, setCondition } from '../../runtime/conditions.ts';
import { type Controller, done, type Outcome, type ReconcileContext } from '../../runtime/controller.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../runtime/finalizer.ts';
import { withJitter } from '../../runtime/interval.ts';
import { isReconcileTrigger, requestedAt } from '../../runtime/request.ts';
import { createStatusPatcher } from '../../runtime/status-patch.ts';
import { dependencyDelayMs, gatesOf, type KustomizationDeps } from './deps.ts';
import type { KustomizationFault } from './fault.ts';
import { finalizeKustomization } from './finalize.ts';
import { beginWait, eventFacts, type HealthWait, type HealthWaits, lookAtHealth, supersededBy } from './health-wait.ts';
import { recordHistory } from './history.ts';
import { type Applied, applyRevision, asFault } from './reconcile.ts';
import { clockOf, commitStatusUpdate, emit, fieldManager, markFault, originRevisionOf, type Run } from './run.ts';
import { createTargets, type Targets } from './target.ts';
import { configWatch, dependencyWatch, kustomizationIndexes, sourceWatch } from './watches.ts';

const statusManager = 'gotk-kustomize-controller';
const defaultConfigSelector = 'reconcile.fluxcd.io/watch=Enabled';

/** What the controller keeps between runs. */
interface Memory {
  waits: HealthWaits;
  targets: Targets;
}

/** Applies what sources hold, and keeps it so (spec/kustomization.md). */
export function createKustomizationController(deps: KustomizationDeps): Controller {
  const kind = kindRef(Kustomization);
  const memory: Memory = { waits: new Map(), targets: createTargets(deps) };
  const selector = deps.watchConfigsSelector ?? defaultConfigSelector;
  const configs = gatesOf(deps).disableConfigWatchers
    ? []
    : [configWatch('ConfigMap', selector), configWatch('Secret', selector)];
  return {
    name: fieldManager,
    kind,
    concurrency: deps.concurrency ?? 4,
    indexes: kustomizationIndexes,
    triggers: isReconcileTrigger,
    watches: [
      sourceWatch(kindRef(GitRepository)),
      sourceWatch(kindRef(OCIRepository)),
      dependencyWatch(kind),
      ...configs,
    ],
    reconcile: (key, context) => reconcile(key, deps, memory, context),
  };
}

async function reconcile(
  key: ObjectKey,
  deps: KustomizationDeps,
  { waits, targets }: Memory,
  { signal, logger }: ReconcileContext,
): Promise<Outcome> {
  const object = await deps.client.get<Kustomization>({ ...kindRef(Kustomization), ...key }, { signal });
  if (object === undefined) {
    waits.delete(formatKey(key));
    await targets.forget(key);
    return done;
  }
  const patcher = createStatusPatcher(deps.client, object, statusManager);
  const clock = clockOf(deps);
  const run: Run = { object, deps, targets, signal, logger, patcher, clock, startedMs: clock.now() };
  const options = { signal, fieldManager: statusManager };
  if (object.metadata.deletionTimestamp !== undefined) {
    waits.delete(formatKey(key));
    if (!hasFinalizer(object)) return done;
    await finalizeKustomization(run);
    await removeFinalizer(deps.client, object, options);
    await targets.forget(key);
    return done;
  }
  await addFinalizer(deps.client, object, options);
  if (object.spec.suspend === true) {
    waits.delete(formatKey(key));
    logger.info('reconciliation is suspended for this object');
    answerRequest(object);
    await patcher.patch(object, { signal });
    return done;
  }
  return carryOut(run, waits);
}

/** A run from its beginning, or one more look at the health of what an earlier one has applied. */
async function carryOut(run: Run, waits: HealthWaits): Promise<Outcome> {
  const { object, patcher, signal } = run;
  const id = formatKey({ namespace: object.metadata.namespace ?? '', name: object.metadata.name });
  let wait = waits.get(id);
  waits.delete(id);
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
    waits.set(id, wait);
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
    ...(object.metadata.generation === undefined ? {} : { observedGeneration: object.metadata.generation }),
  };
  removeConditions(object, 'Reconciling', 'Stalled');
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
  return { requeueAfterMs: parseDuration(retryInterval ?? interval) };
}

function answerRequest(object: Kustomization): void {
  const token = requestedAt(object);
  if (token !== undefined) object.status = { ...object.status, lastHandledReconcileAt: token };
}
