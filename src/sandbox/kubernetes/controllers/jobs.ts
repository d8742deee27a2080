import { formatTime } from '../../../base/clock.ts';
import { textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Actor, ownerReference } from './actor.ts';
import { conditionsOf, holds, nonZero, numberAt } from './conditions.ts';
import type { Stand } from './control-loop.ts';
import { nextRun } from './cron-schedule.ts';
import { isGoing, isReady, livePods, podOf, wakesOwners } from './owned-pods.ts';

const jobs = 'batch/jobs';
const cronJobs = 'batch/cronjobs';

/** Runs pods until enough of them have succeeded, or too many failed. */
export function jobStand(actor: Actor): Stand {
  return {
    storage: jobs,
    wakes: wakesOwners(actor, jobs, 'Job', '/pods'),
    reconcile(job) {
      if (job === undefined || isGoing(job) || holds(job, 'Complete') || holds(job, 'Failed')) return;
      const pods = actor.ownedBy('/pods', job);
      const inPhase = (phase: string) => pods.filter((pod) => textAt(pod, 'status', 'phase') === phase).length;
      const succeeded = inPhase('Succeeded');
      const failed = inPhase('Failed');
      const completions = Number(valueAt(job, 'spec', 'completions') ?? 1);
      const suspended = valueAt(job, 'spec', 'suspend') === true;
      const isDone = succeeded >= completions;
      const hasFailed = failed > numberAt(job, 'spec', 'backoffLimit');
      if (!isDone && !hasFailed) runPods(actor, job, suspended ? 0 : completions - succeeded);
      reportJob(actor, job, { succeeded, failed, isDone, hasFailed, suspended });
    },
  };
}

function runPods(actor: Actor, job: KubeObject, missing: number): void {
  const live = livePods(actor, job);
  const wanted = Math.min(missing, numberAt(job, 'spec', 'parallelism'));
  for (let count = live.length; count < wanted; count++) {
    const pod = actor.create('/pods', podOf(job, undefined, {}));
    if (pod === undefined) return;
    actor.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  }
  for (const pod of live.slice(Math.max(0, wanted))) actor.delete('/pods', pod);
}

interface JobState {
  succeeded: number;
  failed: number;
  isDone: boolean;
  hasFailed: boolean;
  suspended: boolean;
}

function reportJob(actor: Actor, job: KubeObject, { succeeded, failed, isDone, hasFailed, suspended }: JobState): void {
  const now = formatTime(actor.cluster.clock.now());
  const live = livePods(actor, job);
  const entry = (type: string, status: string, reason: string, message: string) => {
    const known = conditionsOf(job).find((one) => one['type'] === type && one['status'] === status);
    return known ?? { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
  };
  const reached = ['CompletionsReached', 'Reached expected number of succeeded pods'] as const;
  const exceeded = ['BackoffLimitExceeded', 'Job has reached the specified backoff limit'] as const;
  const conditions = [
    ...(suspended ? [entry('Suspended', 'True', 'JobSuspended', 'Job suspended')] : []),
    ...(isDone ? [entry('SuccessCriteriaMet', 'True', ...reached), entry('Complete', 'True', ...reached)] : []),
    ...(hasFailed ? [entry('FailureTarget', 'True', ...exceeded), entry('Failed', 'True', ...exceeded)] : []),
  ];
  const startTime = suspended ? undefined : (textAt(job, 'status', 'startTime') ?? now);
  const active = isDone || hasFailed ? 0 : live.length;
  actor.setStatus(jobs, job, {
    ...(startTime !== undefined && { startTime }),
    ...nonZero({ active, succeeded, failed }),
    ready: active === 0 ? 0 : live.filter(isReady).length,
    terminating: 0,
    uncountedTerminatedPods: {},
    ...(isDone && { completionTime: now }),
    ...(conditions.length > 0 && { conditions }),
  });
  if (isDone) actor.event(job, 'Normal', 'Completed', 'Job completed');
  if (hasFailed) actor.event(job, 'Warning', ...exceeded);
}

/** Makes a Job at each time of its schedule. */
export function cronJobStand(actor: Actor): Stand {
  return {
    storage: cronJobs,
    wakes: wakesOwners(actor, cronJobs, 'CronJob', jobs),
    reconcile(cron, _, again) {
      if (cron === undefined || isGoing(cron)) return;
      const now = actor.cluster.clock.now();
      const owned = actor.ownedBy(jobs, cron);
      trimHistory(actor, cron, owned);
      const active = owned.filter((job) => !holds(job, 'Complete') && !holds(job, 'Failed'));
      const last = textAt(cron, 'status', 'lastScheduleTime') ?? cron.metadata.creationTimestamp ?? '';
      const due = nextRun(textAt(cron, 'spec', 'schedule') ?? '', Date.parse(last));
      const suspended = valueAt(cron, 'spec', 'suspend') === true;
      let scheduled = textAt(cron, 'status', 'lastScheduleTime');
      if (due !== undefined && due <= now && !suspended) {
        startRun(actor, cron, active, now - (now % 60_000));
        scheduled = formatTime(now - (now % 60_000));
      }
      actor.setStatus(cronJobs, cron, {
        ...(active.length > 0 && {
          active: active.map(({ apiVersion, kind, metadata }) => ({
            apiVersion,
            kind,
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
          })),
        }),
        ...(scheduled !== undefined && { lastScheduleTime: scheduled }),
      });
      const next = nextRun(textAt(cron, 'spec', 'schedule') ?? '', now);
      if (next !== undefined && !suspended) again(Math.min(next - now + 10, 3_600_000));
    },
  };
}

function startRun(actor: Actor, cron: KubeObject, active: readonly KubeObject[], time: number): void {
  const policy = textAt(cron, 'spec', 'concurrencyPolicy');
  if (policy === 'Forbid' && active.length > 0) return;
  if (policy === 'Replace') for (const job of active) actor.delete(jobs, job);
  const template = valueAt(cron, 'spec', 'jobTemplate') as { metadata?: object; spec?: unknown } | undefined;
  const name = `${cron.metadata.name}-${Math.floor(time / 60_000)}`;
  const metadata = {
    ...template?.metadata,
    name,
    namespace: cron.metadata.namespace ?? '',
    ownerReferences: [ownerReference(cron)],
  };
  const job = actor.create(jobs, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: structuredClone(template?.spec),
  });
  if (job !== undefined) actor.event(cron, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
}

function trimHistory(actor: Actor, cron: KubeObject, owned: readonly KubeObject[]): void {
  for (const [type, field] of [
    ['Complete', 'successfulJobsHistoryLimit'],
    ['Failed', 'failedJobsHistoryLimit'],
  ] as const) {
    const finished = owned
      .filter((job) => holds(job, type))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    for (const job of finished.slice(0, Math.max(0, finished.length - numberAt(cron, 'spec', field))))
      actor.delete(jobs, job);
  }
}
