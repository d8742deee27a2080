import { formatTime } from '../../../base/clock.ts';
import { isRecord, textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Stand } from './loop.ts';

/** Asks the registry for an image as the node would; throws an Error whose message is the kubelet's when it cannot be had. */
export type PullImage = (image: string, signal: AbortSignal) => Promise<{ digest: string }>;

const manager = 'kubelet';
const firstBackoffMs = 500;
const longestBackoffMs = 10_000;
/** How long a container of a pod that is to end runs. */
const runTimeMs = 50;

interface Pull {
  digest?: string;
  failure?: string;
  attempts: number;
  retryAt: number;
  isRunning: boolean;
}

/** The kubelet: pulls the images of a pod and reports it running, or why it is not. Nothing is executed. */
export function podStand(cluster: Cluster, pullImage: PullImage, signal: AbortSignal): Stand {
  const pulls = new Map<string, Pull>();
  return {
    kind: 'Pod',
    reconcile: (pod, before, again) => {
      const uid = (pod ?? before)?.metadata.uid ?? '';
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) {
        pulls.delete(uid);
        return;
      }
      const phase = textAt(pod, 'status', 'phase');
      if (phase === 'Succeeded' || phase === 'Failed') return;
      const pull = pulls.get(uid) ?? { attempts: 0, retryAt: 0, isRunning: false };
      pulls.set(uid, pull);
      if (phase === 'Running') return endLater(cluster, pod, again);
      if (pull.isRunning || Date.now() < pull.retryAt) {
        report(cluster, pod, pull);
        return;
      }
      report(cluster, pod, pull);
      pull.isRunning = true;
      void tryPull(pod, pull, pullImage, signal).then(() => {
        pull.isRunning = false;
        if (!signal.aborted) again(pull.digest === undefined ? Math.max(0, pull.retryAt - Date.now()) : 0);
        const latest = cluster.get('v1', 'Pod', pod.metadata.namespace ?? '', pod.metadata.name);
        if (!signal.aborted && latest !== undefined) report(cluster, latest, pull);
      });
    },
  };
}

async function tryPull(pod: KubeObject, pull: Pull, pullImage: PullImage, signal: AbortSignal): Promise<void> {
  try {
    for (const container of containersOf(pod))
      pull.digest = (await pullImage(textAt(container, 'image') ?? '', signal)).digest;
    delete pull.failure;
  } catch (error) {
    delete pull.digest;
    pull.failure = error instanceof Error ? error.message : String(error);
    pull.attempts++;
    pull.retryAt = Date.now() + Math.min(longestBackoffMs, firstBackoffMs * 2 ** (pull.attempts - 1));
  }
}

function containersOf(pod: KubeObject): unknown[] {
  const containers = valueAt(pod, 'spec', 'containers');
  return Array.isArray(containers) ? containers : [];
}

function report(cluster: Cluster, pod: KubeObject, pull: Pull): void {
  const isReady = pull.digest !== undefined;
  const startedAt = textAt(pod, 'status', 'startTime') ?? formatTime(Date.now());
  const status = {
    phase: isReady ? 'Running' : 'Pending',
    startTime: startedAt,
    hostIP: '127.0.0.1',
    podIP: addressOf(pod),
    podIPs: [{ ip: addressOf(pod) }],
    qosClass: 'BestEffort',
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) =>
      condition(pod, type, isReady),
    ),
    containerStatuses: containersOf(pod).map((container) => containerStatus(container, pull, startedAt)),
  };
  cluster.patch(pod, { spec: { nodeName: 'sandbox' } }, 'kube-scheduler');
  cluster.setStatus(pod, status, manager);
}

function addressOf({ metadata }: KubeObject): string {
  const number = Number.parseInt(metadata.uid?.slice(0, 4) ?? '1', 16);
  return `10.244.${number >> 8}.${number & 255}`;
}

function condition(pod: KubeObject, type: string, isReady: boolean): Record<string, unknown> {
  const early = type === 'PodScheduled' || type === 'Initialized';
  const status = early || isReady ? 'True' : 'False';
  const old = valueAt(pod, 'status', 'conditions');
  const known = (Array.isArray(old) ? old : []).find(
    (entry) => textAt(entry, 'type') === type && textAt(entry, 'status') === status,
  );
  const since = textAt(known, 'lastTransitionTime') ?? formatTime(Date.now());
  const why = status === 'True' ? {} : { reason: 'ContainersNotReady', message: 'containers with unready status' };
  return { type, status, lastTransitionTime: since, ...why };
}

function containerStatus(container: unknown, pull: Pull, startedAt: string): Record<string, unknown> {
  const image = textAt(container, 'image') ?? '';
  const base = { name: textAt(container, 'name'), image, restartCount: 0 };
  if (pull.digest !== undefined) {
    const repository = image.replace(/(@sha256:.*|:[^:/]+)$/, '');
    return {
      ...base,
      ready: true,
      started: true,
      imageID: `${repository}@${pull.digest}`,
      state: { running: { startedAt } },
    };
  }
  return { ...base, ready: false, started: false, imageID: '', state: { waiting: waitingState(image, pull) } };
}

function waitingState(image: string, { failure, attempts, isRunning }: Pull): Record<string, string> {
  if (failure === undefined) return { reason: 'ContainerCreating' };
  if (isRunning || attempts === 1) return { reason: 'ErrImagePull', message: failure };
  return {
    reason: 'ImagePullBackOff',
    message: `Back-off pulling image ${JSON.stringify(image)}: ErrImagePull: ${failure}`,
  };
}

/** Pods that are not to be restarted end by themselves, well. */
function endLater(cluster: Cluster, pod: KubeObject, again: (afterMs: number) => void): void {
  if (textAt(pod, 'spec', 'restartPolicy') === 'Always') return;
  const started = Date.parse(textAt(pod, 'status', 'startTime') ?? '');
  if (Date.now() - started < runTimeMs) {
    again(runTimeMs);
    return;
  }
  const finishedAt = formatTime(Date.now());
  const statuses = valueAt(pod, 'status', 'containerStatuses');
  const ended = (Array.isArray(statuses) ? statuses : []).filter(isRecord).map((status) => ({
    ...status,
    ready: false,
    started: false,
    state: { terminated: { exitCode: 0, reason: 'Completed', finishedAt } },
  }));
  cluster.patch(pod, { status: { phase: 'Succeeded', containerStatuses: ended } }, manager, 'status');
}
