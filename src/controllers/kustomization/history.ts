import type { Kustomization } from '../../api/kustomization.ts';
import { formatTime } from '../../base/clock.ts';
import { formatDuration } from '../../base/duration.ts';

const longestHistory = 5;

export interface FinishedRun {
  /** Of what was applied. */
  digest: string;
  /** Reason of the Ready condition. */
  outcome: string;
  revision: string;
  originRevision: string | undefined;
  startedMs: number;
  nowMs: number;
}

/** Adds a run to the history: the same content with the same outcome is counted up, most recent first (spec/kustomization.md §1.2). */
export function recordHistory(object: Kustomization, run: FinishedRun): void {
  const before = object.status?.history ?? [];
  const known = before.find(
    ({ digest, lastReconciledStatus }) => digest === run.digest && lastReconciledStatus === run.outcome,
  );
  const now = formatTime(run.nowMs);
  const entry = {
    digest: run.digest,
    firstReconciled: known?.firstReconciled ?? now,
    lastReconciled: now,
    lastReconciledDuration: formatDuration(run.nowMs - run.startedMs),
    lastReconciledStatus: run.outcome,
    totalReconciliations: (known?.totalReconciliations ?? 0) + 1,
    metadata: {
      revision: run.revision,
      ...(run.originRevision === undefined ? {} : { originRevision: run.originRevision }),
    },
  };
  object.status = {
    ...object.status,
    history: [entry, ...before.filter((other) => other !== known)].slice(0, longestHistory),
  };
}
