import { GitRepository } from '../../api/git-repository.ts';
import { kindRef } from '../../api/kind.ts';
import { Kustomization } from '../../api/kustomization.ts';
import { OCIRepository } from '../../api/oci-repository.ts';
import { systemClock } from '../../base/clock.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/error.ts';
import { formatKey, type KindRef, type KubeObject, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { getCondition, hasStatus } from '../../runtime/conditions.ts';
import {
  type Change,
  type Controller,
  done,
  type ObjectCache,
  type Outcome,
  type ReconcileContext,
  type Watch,
} from '../../runtime/controller.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../runtime/finalizer.ts';
import { withJitter } from '../../runtime/interval.ts';
import { isReconcileTrigger, openRequest, requestedAt } from '../../runtime/request.ts';
import { createStatusPatcher } from '../../runtime/status-patch.ts';
import type { KustomizationDeps } from './deps.ts';
import { KustomizationFault } from './fault.ts';
import {
  fieldManager,
  finalizeKustomization,
  markFault,
  type Run,
  reconcileKustomization,
  revisionMetadata,
} from './reconcile.ts';
import { artifactOf, sourceKey } from './source.ts';

const statusManager = 'gotk-kustomize-controller';

/** Applies what sources hold, and keeps it so (spec/kustomization.md). */
export function createKustomizationController(deps: KustomizationDeps): Controller {
  const kind = kindRef(Kustomization);
  return {
    name: fieldManager,
    kind,
    concurrency: deps.concurrency ?? 4,
    indexes: {
      source: (object) => {
        const { kind: sourceKind, ...key } = sourceKey(object as Kustomization);
        return [`${sourceKind}/${formatKey(key)}`];
      },
      dependency: (object) => dependenciesOf(object as Kustomization).map(formatKey),
    },
    triggers: (change) => isReconcileTrigger(change) || change.before === undefined,
    watches: [sourceWatch(kindRef(GitRepository)), sourceWatch(kindRef(OCIRepository)), dependencyWatch(kind)],
    reconcile: (key, context) => reconcile(key, deps, context),
  };
}

function dependenciesOf({ spec, metadata }: Kustomization): ObjectKey[] {
  return (spec.dependsOn ?? []).map(({ name, namespace }) => ({
    name,
    namespace: namespace ?? metadata.namespace ?? '',
  }));
}

/** A source with another revision wakes who builds from it, unless that revision is being worked on already. */
function sourceWatch(kind: KindRef): Watch {
  return {
    kind,
    wakes: ({ before, after }: Change, own: ObjectCache) => {
      const revision = artifactOf(after)?.revision;
      if (after === undefined || revision === undefined || artifactOf(before)?.revision === revision) return [];
      const users = own.by('source', `${kind.kind}/${formatKey(keyOf(after))}`) as Kustomization[];
      return users.filter((user) => !isAt(user, revision)).map(keyOf);
    },
  };
}

function isAt(user: Kustomization, revision: string): boolean {
  const isBusyOrDone = hasStatus(user, 'Ready', 'True') || getCondition(user, 'Reconciling')?.reason === 'Progressing';
  return isBusyOrDone && user.status?.lastAttemptedRevision === revision;
}

/** A dependency that became ready wakes its dependants at once; Flux polls every half minute. */
function dependencyWatch(kind: KindRef): Watch {
  const state = (object: KubeObject | undefined) => {
    const dependency = object as Kustomization | undefined;
    return dependency === undefined
      ? ''
      : `${getCondition(dependency, 'Ready')?.status} ${dependency.status?.lastAppliedRevision}`;
  };
  return {
    kind,
    wakes: ({ before, after }: Change, own: ObjectCache) => {
      if (after === undefined || state(before) === state(after) || !hasStatus(after, 'Ready', 'True')) return [];
      return own.by('dependency', formatKey(keyOf(after))).map(keyOf);
    },
  };
}

async function reconcile(key: ObjectKey, deps: KustomizationDeps, { signal }: ReconcileContext): Promise<Outcome> {
  const ref = { ...kindRef(Kustomization), name: key.name, namespace: key.namespace };
  const object = await deps.client.get<Kustomization>(ref, { signal });
  if (object === undefined) return done;
  const options = { signal, fieldManager: statusManager };
  if (object.metadata.deletionTimestamp !== undefined) {
    if (!hasFinalizer(object)) return done;
    await finalizeKustomization(object, deps, signal);
    await removeFinalizer(deps.client, object, options);
    return done;
  }
  await addFinalizer(deps.client, object, options);
  const run: Run = { object, deps, signal, patcher: createStatusPatcher(deps.client, object, statusManager) };
  const handled = requestedAt(object);
  const outcome = object.spec.suspend === true ? done : await carryOut(run);
  if (handled !== undefined && openRequest(object) !== undefined)
    object.status = { ...object.status, lastHandledReconcileAt: handled };
  await run.patcher.patch(object, { signal });
  return outcome;
}

async function carryOut(run: Run): Promise<Outcome> {
  const { object, deps, signal } = run;
  const intervalMs = parseDuration(object.spec.interval);
  const clock = deps.clock ?? systemClock;
  const startedMs = clock.now();
  try {
    await reconcileKustomization(run);
    const text = `Reconciliation finished in ${formatDuration(clock.now() - startedMs)}, next run in ${object.spec.interval}`;
    const revision = object.status?.lastAppliedRevision ?? '';
    deps.events.event(object, 'Trace', 'ReconciliationSucceeded', text, revisionMetadata(revision));
    return { requeueAfterMs: withJitter(intervalMs, deps.intervalJitter) };
  } catch (error) {
    signal.throwIfAborted();
    const fault =
      error instanceof KustomizationFault
        ? error
        : new KustomizationFault('ReconciliationFailed', errorMessage(error), 'retry', error);
    markFault(run, fault);
    deps.events.event(object, fault.kind === 'wait' ? 'Normal' : 'Warning', fault.reason, fault.message);
    if (fault.kind === 'terminal') return done;
    const retryMs = object.spec.retryInterval === undefined ? intervalMs : parseDuration(object.spec.retryInterval);
    return { requeueAfterMs: fault.kind === 'wait' ? Math.min(retryMs, deps.requeueDependencyMs ?? 30_000) : retryMs };
  }
}
