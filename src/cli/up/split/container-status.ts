import { formatTime } from '../../../base/clock.ts';
import { listAt, textAt, valueAt } from '../../../base/json.ts';
import { type KubeObject, keyOf } from '../../../base/kube-object.ts';
import type { Ending } from '../controllers.ts';

/** The last run of a container. */
export interface FinishedRun extends Ending {
  startedMs: number;
  finishedMs: number;
}

/** What the kubelet says of a container beside what never changes. */
export type ContainerState =
  | { kind: 'running'; sinceMs: number; restarts: number; last: FinishedRun }
  | { kind: 'waiting'; backOffMs: number; restarts: number; last: FinishedRun };

/** The part of a pod's status that follows from the state of its one container. */
export function statusOf(pod: KubeObject, state: ContainerState, nowMs: number): Record<string, unknown> {
  const isRunning = state.kind === 'running';
  const [container] = listAt(pod, 'status', 'containerStatuses');
  const { restarts: restartCount, last } = state;
  const terminated = { terminated: terminatedBy(last) };
  const status = {
    ...(container as object),
    ready: isRunning,
    started: isRunning,
    restartCount,
    lastState: terminated,
    state: isRunning
      ? { running: { startedAt: formatTime(state.sinceMs) } }
      : { waiting: { reason: 'CrashLoopBackOff', message: backOffMessage(pod, state.backOffMs) } },
  };
  const conditions = listAt(pod, 'status', 'conditions').map((one) => readiness(one, isRunning, status, nowMs));
  return { containerStatuses: [status], conditions };
}

function readiness(condition: unknown, isTrue: boolean, container: object, nowMs: number): object {
  const { reason: _, message: __, ...rest } = condition as Record<string, unknown>;
  const status = isTrue ? 'True' : 'False';
  if (!['Ready', 'ContainersReady'].includes(textAt(rest, 'type') ?? '') || valueAt(rest, 'status') === status)
    return condition as object;
  const message = `containers with unready status: [${textAt(container, 'name')}]`;
  const why = isTrue ? {} : { reason: 'ContainersNotReady', message };
  return { ...rest, status, lastTransitionTime: formatTime(nowMs), ...why };
}

function terminatedBy({ exitCode, signal, startedMs, finishedMs }: FinishedRun): object {
  return {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...(signal !== undefined && { signal }),
    startedAt: formatTime(startedMs),
    finishedAt: formatTime(finishedMs),
  };
}

/** In the words of the kubelet. */
export function backOffMessage(pod: KubeObject, backOffMs: number): string {
  const name = textAt(listAt(pod, 'spec', 'containers')[0], 'name');
  const { namespace, name: podName } = keyOf(pod);
  const minutes = Math.floor(backOffMs / 60_000);
  const seconds = Math.round((backOffMs % 60_000) / 1000);
  return `back-off ${minutes > 0 ? `${minutes}m` : ''}${seconds}s restarting failed container=${name} pod=${podName}_${namespace}(${pod.metadata.uid})`;
}
