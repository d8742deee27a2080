import type { FluxInstance } from '../../api/flux-instance.ts';
import { formatTime } from '../../base/clock.ts';
import { formatDuration } from '../../base/duration.ts';

const longestHistory = 5;

export interface FinishedInstall {
  digest: string;
  outcome: string;
  /** Of Flux; absent for what could not be built. */
  version?: string;
  startedMs: number;
  nowMs: number;
}

/** Counts a run up where the same content ended the same way before, most recent first (spec/instance.md §3). */
export function recordInstall(
  object: FluxInstance,
  { digest, outcome, version, startedMs, nowMs }: FinishedInstall,
): void {
  const before = object.status?.history ?? [];
  const known = before.find((entry) => entry.digest === digest && entry.lastReconciledStatus === outcome);
  const now = formatTime(nowMs);
  const entry = {
    digest,
    firstReconciled: known?.firstReconciled ?? now,
    lastReconciled: now,
    lastReconciledDuration: formatDuration(nowMs - startedMs),
    lastReconciledStatus: outcome,
    totalReconciliations: (known?.totalReconciliations ?? 0) + 1,
    ...(version !== undefined && { metadata: { flux: version } }),
  };
  const history = [entry, ...before.filter((other) => other !== known)].slice(0, longestHistory);
  object.status = { ...object.status, history };
}
