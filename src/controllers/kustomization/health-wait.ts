import type { Kustomization } from '../../api/kustomization.ts';
import { refOf } from '../../apply/apply-objects.ts';
import { entryOf } from '../../apply/inventory.ts';
import { formatFailure, type HealthTarget, isSettled, unhealthyOf } from '../../apply/wait.ts';
import { formatDuration } from '../../base/duration.ts';
import { valueAt } from '../../base/json.ts';
import { formatKey, type KubeObject, keyOf } from '../../base/kube-object.ts';
import { hasStatus, removeConditions, setCondition } from '../../runtime/conditions.ts';
import { openRequest, requestedAt } from '../../runtime/request.ts';
import { gatesOf } from './deps.ts';
import { KustomizationFault } from './fault.ts';
import type { Applied } from './reconcile.ts';
import { emit, originRevisionOf, progress, type Run, timeoutMs } from './run.ts';
import { artifactOf, sourceRef } from './source.ts';

/** A revision that is applied and whose health is waited for, between two looks. */
export interface HealthWait {
  applied: Applied;
  targets: HealthTarget[];
  wasHealthy: boolean;
  /** When the run began that applied it; clock time in milliseconds, as the next two. */
  startedMs: number;
  checkStartedMs: number;
  deadlineMs: number;
  pollMs: number;
  generation: number | undefined;
  request: string | undefined;
}

const firstPollMs = 100;
const longestPollMs = 5_000;

/**
 * The waits under way. A worker is not held by them: each look is a run of its own, and what else happens to the object in
 * between (another revision, generation or request) takes the wait's place.
 */
export type HealthWaits = Map<string, HealthWait>;

/** Begins a wait; undefined where there is nothing to wait for (spec/kustomization.md §11). */
export async function beginWait(run: Run, applied: Applied): Promise<HealthWait | undefined> {
  const { object, clock } = run;
  const targets = healthTargets(object, applied);
  if (targets.length === 0) {
    removeConditions(object, 'Healthy');
    return undefined;
  }
  const wasHealthy = hasStatus(object, 'Healthy', 'True');
  const timeout = timeoutMs(object);
  const message = `Running health checks for revision ${applied.artifact.revision} with a timeout of ${formatDuration(timeout)}`;
  setCondition(object, { type: 'Healthy', status: 'Unknown', reason: 'Progressing', message }, clock);
  await progress(run, message);
  const now = clock.now();
  return {
    applied,
    targets,
    wasHealthy,
    startedMs: run.startedMs,
    checkStartedMs: now,
    deadlineMs: now + timeout,
    pollMs: firstPollMs,
    generation: object.metadata.generation,
    request: requestedAt(object),
  };
}

/**
 * Looks once. True when all are healthy, false when it is to be looked at again after `wait.pollMs`; throws
 * HealthCheckFailed when waiting on is useless.
 */
export async function lookAtHealth(run: Run, wait: HealthWait): Promise<boolean> {
  const { object, deps, signal, clock, memory } = run;
  const client = await memory.targets.clientOf(object, signal);
  const unhealthy = await unhealthyOf(wait.targets, { client, rules: wait.applied.rules, signal });
  const now = clock.now();
  const took = formatDuration(now - wait.checkStartedMs);
  if (unhealthy.length === 0) {
    const message = `Health check passed in ${took}`;
    setCondition(object, { type: 'Healthy', status: 'True', reason: 'Succeeded', message }, clock);
    const isNews = wait.applied.artifact.revision !== object.status?.lastAppliedRevision && hasChanges(wait.applied);
    if (!wait.wasHealthy || isNews) emit(run, 'Normal', message, eventFacts(wait.applied));
    return true;
  }
  wait.targets = unhealthy.map(({ ref }) => ref);
  const failFast = !gatesOf(deps).disableFailFastBehavior;
  if (!isSettled(unhealthy, failFast) && now < wait.deadlineMs) {
    wait.pollMs = Math.min(longestPollMs, wait.pollMs * 1.4, Math.max(1, wait.deadlineMs - now));
    return false;
  }
  const message = formatFailure(unhealthy);
  setCondition(object, { type: 'Healthy', status: 'False', reason: 'HealthCheckFailed', message }, clock);
  const text = `health check failed after ${took}: ${message}`;
  throw new KustomizationFault('HealthCheckFailed', text, 'retry', { applied: true });
}

/** Why a wait is no longer wanted; undefined where it is. */
export async function supersededBy(run: Run, wait: HealthWait): Promise<string | undefined> {
  const { object, deps, signal } = run;
  const { kind, metadata } = object;
  const self = `${kind}/${metadata.namespace}/${metadata.name}`;
  if (metadata.generation !== wait.generation || requestedAt(object) !== wait.request) return self;
  if (openRequest(object) !== undefined && wait.request === undefined) return self;
  const ref = sourceRef(object);
  const revision = artifactOf(await deps.client.get(ref, { signal }))?.revision;
  const isOther = revision !== undefined && revision !== wait.applied.artifact.revision;
  return isOther ? `${ref.kind}/${ref.namespace}/${ref.name}` : undefined;
}

function hasChanges({ changes }: Applied): boolean {
  return changes.some(({ action }) => action === 'created' || action === 'configured');
}

export function eventFacts({ artifact }: Pick<Applied, 'artifact'>) {
  return { revision: artifact.revision, originRevision: originRevisionOf(artifact) };
}

/** With `wait` everything applied, else what is listed; never the Kustomization itself, which would wait for itself. */
function healthTargets(object: Kustomization, { changes, objects }: Applied): HealthTarget[] {
  const { spec, kind, metadata } = object;
  const vanishing = new Set(objects.filter(isVanishingJob).map((job) => entryOf(job).id));
  const refs =
    spec.wait === true
      ? changes
          .filter(({ action }) => action !== 'skipped' && action !== 'deleted')
          .map((change) => refOf(change.object))
      : (spec.healthChecks ?? []).map((check) => ({
          apiVersion: check.apiVersion || 'apps/v1',
          kind: check.kind,
          name: check.name,
          namespace: check.namespace || (metadata.namespace ?? ''),
        }));
  return refs
    .filter((ref) => ref.kind !== kind || formatKey(keyOf({ metadata: ref })) !== formatKey(keyOf(object)))
    .map((ref) => ({ ...ref, mayVanish: vanishing.has(entryOf({ ...ref, metadata: ref }).id) }));
}

function isVanishingJob(object: KubeObject): boolean {
  return object.kind === 'Job' && valueAt(object, 'spec', 'ttlSecondsAfterFinished') !== undefined;
}
