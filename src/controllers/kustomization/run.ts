import type { Artifact } from '../../api/artifact.ts';
import type { Kustomization } from '../../api/kustomization.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import type { Logger } from '../../base/logger.ts';
import {
  getCondition,
  markReconciling,
  markStalled,
  removeConditions,
  setCondition,
} from '../../runtime/conditions.ts';
import type { EventType } from '../../runtime/events.ts';
import type { StatusPatcher } from '../../runtime/status-patch.ts';
import type { KustomizationDeps } from './deps.ts';
import type { KustomizationFault } from './fault.ts';
import type { TerminationWait } from './finalize.ts';
import type { HealthWaits } from './health-wait.ts';
import type { Targets } from './target.ts';

/** The field manager of everything that is applied; Flux's own, so that ownership survives a change from one to the other. */
export const fieldManager = 'kustomize-controller';

/** What the controller keeps between runs, by `namespace/name`. */
export interface Memory {
  targets: Targets;
  /** Health that is waited for. */
  waits: HealthWaits;
  /** Deletions that are waited for. */
  terminations: Map<string, TerminationWait>;
  /** Who waits for a dependency, or is about to find out that it must. */
  dependants: Set<string>;
  /** Failures in a row that pass by themselves. */
  failures: Map<string, number>;
}

export function forgetRuns({ waits, terminations, dependants, failures }: Memory, id: string): void {
  for (const kept of [waits, terminations, dependants, failures]) kept.delete(id);
}

/** One run of one Kustomization; `object` is changed in place and shown to the cluster by `patcher`. */
export interface Run {
  /** `namespace/name` */
  id: string;
  object: Kustomization;
  patcher: StatusPatcher;
  deps: KustomizationDeps;
  memory: Memory;
  /** When the status was last written, by `performance.now()`. */
  shownAt: number;
  signal: AbortSignal;
  logger: Logger;
  clock: Clock;
  startedMs: number;
}

export function clockOf({ clock = systemClock }: KustomizationDeps): Clock {
  return clock;
}

/** Never under 30 seconds; by default half a minute less than the interval. In milliseconds. */
export function timeoutMs({ spec }: Kustomization): number {
  const given = spec.timeout === undefined ? parseDuration(spec.interval) - 30_000 : parseDuration(spec.timeout);
  return Math.max(30_000, given);
}

/** A step that follows another one sooner than this is not worth a write of its own. In milliseconds. */
const briefMs = 100;

/** Shows what is being done; a `passing` step only where the one before it took its time. */
export async function progress(run: Run, message: string, { passing = false } = {}): Promise<void> {
  const { object, patcher, signal, clock } = run;
  const ready = 'Reconciliation in progress';
  setCondition(object, { type: 'Ready', status: 'Unknown', reason: 'Progressing', message: ready }, clock);
  markReconciling(object, 'Progressing', message, clock);
  if (passing && performance.now() - run.shownAt < briefMs) return;
  await patcher.patch(object, { signal });
  run.shownAt = performance.now();
}

const origin = 'org.opencontainers.image.revision';

/** The revision of the source code that an OCI artifact was made from. */
export function originRevisionOf(artifact: Pick<Artifact, 'metadata'> | undefined): string | undefined {
  return artifact?.metadata?.[origin];
}

export interface EventFacts {
  revision?: string | undefined;
  originRevision?: string | undefined;
  metadata?: Record<string, string>;
}

const group = 'kustomize.toolkit.fluxcd.io';

/** Records an event; its reason is that of the Ready condition at this moment (spec/kustomization.md §12). */
export function emit(
  { object, deps }: Pick<Run, 'object' | 'deps'>,
  type: EventType,
  message: string,
  facts: EventFacts = {},
): void {
  const reason = getCondition(object, 'Ready')?.reason ?? 'Progressing';
  const { revision, originRevision, metadata } = facts;
  deps.events.event(object, type, reason, message, {
    ...(revision === undefined || revision === '' ? {} : { [`${group}/revision`]: revision }),
    ...(originRevision === undefined ? {} : { [`${group}/originRevision`]: originRevision }),
    ...metadata,
  });
}

export const commitStatusUpdate = { [`${group}/commit_status`]: 'update' };

/** The conditions of a run that failed. */
export function markFault({ object, clock }: Run, fault: KustomizationFault): void {
  const { reason, message } = fault;
  setCondition(object, { type: 'Ready', status: 'False', reason, message }, clock);
  if (fault.kind === 'terminal') {
    markStalled(object, reason, message, clock);
    if (reason !== 'InvalidCELExpression') return;
    object.status = { ...object.status, observedGeneration: object.metadata.generation ?? 0 };
    return;
  }
  // Before the work on a revision has begun there is nothing that is being retried.
  const reconciling = getCondition(object, 'Reconciling');
  if (reconciling === undefined) removeConditions(object, 'Stalled');
  else markReconciling(object, 'ProgressingWithRetry', reconciling.message, clock);
}
