import { formatTime } from '../../../base/clock.ts';
import { isRecord, textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { items } from '../defaults/fields.ts';
import type { Actor } from './actor.ts';
import { conditionsOf } from './conditions.ts';
import type { Stand } from './control-loop.ts';
import { nodeName } from './node-name.ts';

/** Asks the registry for an image as the node would; throws an Error whose message is the kubelet's when it cannot be had. */
export type PullImage = (image: string, signal: AbortSignal) => Promise<{ digest: string }>;

const storage = '/pods';
const firstBackoffMs = 500;
const longestBackoffMs = 10_000;
/** How long a container of a pod that is to end runs. */
const runTimeMs = 50;

/** What the kubelet knows of a pod beside its status. */
interface PodState {
  /** The image IDs, once all images are there. */
  imageIds: string[] | undefined;
  failure: { image: string; message: string } | undefined;
  attempts: number;
  retryAt: number;
  pulling: boolean;
}

/** The scheduler and the kubelet: place a pod, pull its images, and report it running, or why it is not. Nothing is executed. */
export function kubeletStand(scheduler: Actor, actor: Actor, pullImage: PullImage, signal: AbortSignal): Stand {
  const states = new Map<string, PodState>();
  const now = () => actor.cluster.clock.now();

  const startPull = (pod: KubeObject, state: PodState, again: (afterMs: number) => void) => {
    state.pulling = true;
    for (const image of imagesOf(pod)) actor.event(pod, 'Normal', 'Pulling', `Pulling image ${JSON.stringify(image)}`);
    void pullAll(pod, state, pullImage, signal, now).then(() => {
      state.pulling = false;
      if (signal.aborted) return;
      const latest = actor.get(storage, pod.metadata.namespace ?? '', pod.metadata.name);
      if (
        latest === undefined ||
        latest.metadata.uid !== pod.metadata.uid ||
        latest.metadata.deletionTimestamp !== undefined
      )
        return;
      tellPull(actor, latest, state);
      report(actor, latest, state);
      again(state.failure === undefined ? runTimeMs : Math.max(10, state.retryAt - now()));
    });
  };

  return {
    storage,
    reconcile(pod, last, again) {
      const uid = (pod ?? last)?.metadata.uid ?? '';
      if (pod === undefined) {
        states.delete(uid);
        return;
      }
      if (pod.metadata.deletionTimestamp !== undefined) return stop(actor, pod, states);
      const phase = textAt(pod, 'status', 'phase');
      if (phase === 'Succeeded' || phase === 'Failed') return;
      if (!valueAt(pod, 'spec', 'nodeName')) return place(scheduler, pod);
      const state = states.get(uid) ?? {
        imageIds: undefined,
        failure: undefined,
        attempts: 0,
        retryAt: 0,
        pulling: false,
      };
      states.set(uid, state);
      if (phase === 'Running') return endLater(actor, pod, again);
      if (state.imageIds !== undefined || state.pulling) return;
      // Timers may ring a little early.
      if (now() < state.retryAt) return again(state.retryAt - now());
      report(actor, pod, state);
      startPull(pod, state, again);
    },
  };
}

function place(actor: Actor, pod: KubeObject): void {
  const { namespace = '', name } = pod.metadata;
  actor.patch(storage, pod, { spec: { nodeName } });
  actor.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`);
}

/** The containers are gone at once: there are none. */
function stop(actor: Actor, pod: KubeObject, states: Map<string, PodState>): void {
  states.delete(pod.metadata.uid ?? '');
  if ((pod.metadata.deletionGracePeriodSeconds ?? 0) === 0) return;
  for (const { name } of items(pod['spec'], 'containers'))
    actor.event(pod, 'Normal', 'Killing', `Stopping container ${String(name)}`);
  actor.delete(storage, pod, { gracePeriodSeconds: 0, propagationPolicy: 'Background' });
}

function containersOf(pod: KubeObject) {
  return items(pod['spec'], 'containers');
}

function imagesOf(pod: KubeObject): string[] {
  return [...items(pod['spec'], 'initContainers'), ...containersOf(pod)].map(({ image }) => String(image ?? ''));
}

async function pullAll(
  pod: KubeObject,
  state: PodState,
  pullImage: PullImage,
  signal: AbortSignal,
  now: () => number,
): Promise<void> {
  const ids: string[] = [];
  let current = '';
  try {
    for (current of imagesOf(pod)) {
      const { digest } = await pullImage(current, signal);
      ids.push(`${current.replace(/(@sha256:.*|:[^:/]+)$/, '')}@${digest}`);
    }
    state.imageIds = ids;
    state.failure = undefined;
  } catch (error) {
    state.failure = { image: current, message: error instanceof Error ? error.message : String(error) };
    state.attempts++;
    state.retryAt = now() + Math.min(longestBackoffMs, firstBackoffMs * 2 ** (state.attempts - 1));
  }
}

function tellPull(actor: Actor, pod: KubeObject, { failure, attempts }: PodState): void {
  if (failure !== undefined) {
    const image = JSON.stringify(failure.image);
    actor.event(pod, 'Warning', 'Failed', `Failed to pull image ${image}: ${failure.message}`);
    actor.event(pod, 'Warning', 'Failed', 'Error: ErrImagePull');
    if (attempts > 1) actor.event(pod, 'Normal', 'BackOff', `Back-off pulling image ${image}`);
    return;
  }
  for (const { name, image } of containersOf(pod)) {
    actor.event(pod, 'Normal', 'Pulled', `Successfully pulled image ${JSON.stringify(image)}`);
    actor.event(pod, 'Normal', 'Created', `Container created: ${String(name)}`);
    actor.event(pod, 'Normal', 'Started', `Container started: ${String(name)}`);
  }
}

function report(actor: Actor, pod: KubeObject, state: PodState): void {
  const running = state.imageIds !== undefined;
  const time = formatTime(actor.cluster.clock.now());
  const startTime = textAt(pod, 'status', 'startTime') ?? time;
  const address = addressOf(pod);
  const initCount = items(pod['spec'], 'initContainers').length;
  const inits = items(pod['spec'], 'initContainers').map((container, index) => ({
    ...containerStatus(container, index, state, startTime),
    ...(running && {
      ready: true,
      started: false,
      state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: time, finishedAt: time } },
    }),
  }));
  const ready: [type: string, isTrue: boolean][] = [
    ['PodReadyToStartContainers', running],
    ['Initialized', running || initCount === 0],
    ['Ready', running],
    ['ContainersReady', running],
    ['PodScheduled', true],
  ];
  actor.setStatus(storage, pod, {
    phase: running ? 'Running' : 'Pending',
    observedGeneration: pod.metadata.generation,
    conditions: ready.map(([type, isTrue]) => podCondition(pod, type, isTrue, time)),
    hostIP: '127.0.0.1',
    hostIPs: [{ ip: '127.0.0.1' }],
    ...(running && { podIP: address, podIPs: [{ ip: address }] }),
    startTime,
    ...(initCount > 0 && { initContainerStatuses: inits }),
    containerStatuses: containersOf(pod).map((container, index) =>
      containerStatus(container, index + initCount, state, time),
    ),
    qosClass: valueAt(pod, 'status', 'qosClass'),
  });
}

function addressOf({ metadata }: KubeObject): string {
  const number = Number.parseInt(metadata.uid?.slice(0, 4) ?? '1', 16);
  return `10.244.${number >> 8}.${number & 255}`;
}

function podCondition(pod: KubeObject, type: string, isTrue: boolean, now: string): Record<string, unknown> {
  const status = isTrue ? 'True' : 'False';
  const known = conditionsOf(pod).find((one) => one['type'] === type && one['status'] === status);
  const names = containersOf(pod).map(({ name }) => name);
  const why = { reason: 'ContainersNotReady', message: `containers with unready status: [${names.join(' ')}]` };
  const lastTransitionTime = textAt(known, 'lastTransitionTime') ?? now;
  return {
    type,
    status,
    lastProbeTime: null,
    lastTransitionTime,
    ...(!isTrue && type.includes('Ready') && !type.includes('Start') && why),
  };
}

function containerStatus(
  container: Record<string, unknown>,
  index: number,
  state: PodState,
  startedAt: string,
): Record<string, unknown> {
  const image = String(container['image'] ?? '');
  const imageID = state.imageIds?.[index];
  const base = { name: container['name'], image, restartCount: 0 };
  if (imageID !== undefined) {
    const containerID = `millrace://${imageID.slice(-64)}`;
    return {
      ...base,
      ready: true,
      started: true,
      imageID,
      containerID,
      lastState: {},
      state: { running: { startedAt } },
    };
  }
  return {
    ...base,
    ready: false,
    started: false,
    imageID: '',
    lastState: {},
    state: { waiting: waiting(image, state) },
  };
}

function waiting(image: string, { failure, attempts, pulling }: PodState): Record<string, string> {
  if (failure === undefined || failure.image !== image) return { reason: 'ContainerCreating' };
  if (pulling || attempts === 1) return { reason: 'ErrImagePull', message: failure.message };
  const message = `Back-off pulling image ${JSON.stringify(image)}: ErrImagePull: ${failure.message}`;
  return { reason: 'ImagePullBackOff', message };
}

/** Pods that are not to be restarted end by themselves, well. */
function endLater(actor: Actor, pod: KubeObject, again: (afterMs: number) => void): void {
  if (textAt(pod, 'spec', 'restartPolicy') === 'Always') return;
  const started = Date.parse(textAt(pod, 'status', 'startTime') ?? '');
  if (actor.cluster.clock.now() - started < runTimeMs) return again(runTimeMs);
  const finishedAt = formatTime(actor.cluster.clock.now());
  const statuses = valueAt(pod, 'status', 'containerStatuses');
  const ended = (Array.isArray(statuses) ? statuses : []).filter(isRecord).map((status) => ({
    ...status,
    ready: false,
    started: false,
    state: {
      terminated: {
        exitCode: 0,
        reason: 'Completed',
        startedAt: valueAt(status, 'state', 'running', 'startedAt') ?? finishedAt,
        finishedAt,
      },
    },
  }));
  const conditions = conditionsOf(pod).map((one) =>
    one['type'] === 'Ready' || one['type'] === 'ContainersReady'
      ? { ...one, status: 'False', reason: 'PodCompleted', lastTransitionTime: finishedAt }
      : one,
  );
  actor.patch(storage, pod, { status: { phase: 'Succeeded', conditions, containerStatuses: ended } }, 'status');
}
