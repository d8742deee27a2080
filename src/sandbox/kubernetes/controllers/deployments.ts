import { formatTime } from '../../../base/clock.ts';
import { sha256Hex } from '../../../base/digest.ts';
import { deepEqual, isRecord, textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Actor, ownerReference } from './actor.ts';
import { condition, conditionOf, nonZero, numberAt } from './conditions.ts';
import type { Stand } from './control-loop.ts';
import { isGoing, isReady, scalePods, wakesOwners } from './owned-pods.ts';

const sets = 'apps/replicasets';
const deployments = 'apps/deployments';
const revisionAnnotation = 'deployment.kubernetes.io/revision';
/** When pods that the API refused are tried again. */
const retryMs = 1000;

export function replicaSetStand(actor: Actor): Stand {
  return {
    storage: sets,
    wakes: wakesOwners(actor, sets, 'ReplicaSet', '/pods'),
    reconcile(set, _, again) {
      if (set === undefined || isGoing(set)) return;
      const { pods, refusal } = scalePods(actor, set, numberAt(set, 'spec', 'replicas'));
      if (refusal !== undefined) again(retryMs);
      const ready = pods.filter(isReady).length;
      actor.setStatus(sets, set, {
        replicas: pods.length,
        ...nonZero({ fullyLabeledReplicas: pods.length, readyReplicas: ready, availableReplicas: ready }),
        observedGeneration: set.metadata.generation,
        ...(refusal !== undefined && {
          conditions: [condition(set, actor.cluster.clock.now(), 'ReplicaFailure', true, 'FailedCreate', refusal)],
        }),
      });
    },
  };
}

export function deploymentStand(actor: Actor): Stand {
  return {
    storage: deployments,
    wakes: wakesOwners(actor, deployments, 'Deployment', sets),
    reconcile(deployment, _, again) {
      if (deployment === undefined || isGoing(deployment)) return;
      rollOut(actor, deployment, again);
    },
  };
}

/** New pods first; the old ones go as new ones become ready (or before, when the strategy is Recreate). */
function rollOut(actor: Actor, deployment: KubeObject, again: (afterMs: number) => void): void {
  const paused = valueAt(deployment, 'spec', 'paused') === true;
  const owned = actor.ownedBy(sets, deployment);
  const current =
    owned.find((set) => hasTemplate(set, deployment)) ?? (paused ? undefined : createSet(actor, deployment, owned));
  const wanted = numberAt(deployment, 'spec', 'replicas');
  if (current !== undefined) scaleSets(actor, deployment, current, owned, wanted);
  const all = actor.ownedBy(sets, deployment);
  const sum = (field: string) => all.reduce((total, set) => total + numberAt(set, 'status', field), 0);
  report(actor, deployment, again, {
    wanted,
    total: sum('replicas'),
    updated: numberAt(current, 'status', 'replicas'),
    ready: sum('readyReplicas'),
    setName: current?.metadata.name ?? '',
    revision: current?.metadata.annotations?.[revisionAnnotation] ?? '1',
    failure: all.map((set) => conditionOf(set, 'ReplicaFailure')).find((failure) => failure !== undefined),
  });
  trimHistory(actor, deployment, all);
}

function scaleSets(
  actor: Actor,
  deployment: KubeObject,
  current: KubeObject,
  owned: KubeObject[],
  wanted: number,
): void {
  const recreate = valueAt(deployment, 'spec', 'strategy', 'type') === 'Recreate';
  const old = owned.filter((set) => set.metadata.uid !== current.metadata.uid);
  const oldPods = old.reduce((total, set) => total + numberAt(set, 'status', 'replicas'), 0);
  const newWanted = recreate && oldPods > 0 ? 0 : wanted;
  scaleTo(actor, deployment, current, newWanted);
  const keep = recreate ? 0 : Math.max(0, wanted - numberAt(current, 'status', 'readyReplicas'));
  for (const set of old) if (numberAt(set, 'spec', 'replicas') > keep) scaleTo(actor, deployment, set, keep);
}

function scaleTo(actor: Actor, deployment: KubeObject, set: KubeObject, replicas: number): void {
  const before = numberAt(set, 'spec', 'replicas');
  if (before === replicas) return;
  actor.patch(sets, set, { spec: { replicas } });
  const direction = before < replicas ? 'up' : 'down';
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
  actor.event(deployment, 'Normal', 'ScalingReplicaSet', message);
}

const hashLabel = 'pod-template-hash';

/** Whether a set was made of the template that the deployment has now. */
function hasTemplate(set: KubeObject, deployment: KubeObject): boolean {
  const template = structuredClone(valueAt(set, 'spec', 'template'));
  const labels = valueAt(template, 'metadata', 'labels');
  if (isRecord(labels)) delete labels[hashLabel];
  return deepEqual(template, valueAt(deployment, 'spec', 'template'));
}

function createSet(actor: Actor, deployment: KubeObject, owned: readonly KubeObject[]): KubeObject | undefined {
  const template = valueAt(deployment, 'spec', 'template');
  const hash = sha256Hex(JSON.stringify(template)).slice(0, 10);
  const { namespace = '' } = deployment.metadata;
  const name = `${deployment.metadata.name}-${hash}`;
  const metadata = valueAt(template, 'metadata');
  const labels = { ...(valueAt(metadata, 'labels') as Record<string, string> | undefined), [hashLabel]: hash };
  const matchLabels = valueAt(deployment, 'spec', 'selector', 'matchLabels') as Record<string, string> | undefined;
  const revision = 1 + Math.max(0, ...owned.map((set) => Number(set.metadata.annotations?.[revisionAnnotation] ?? 0)));
  const replicas = owned.length === 0 ? numberAt(deployment, 'spec', 'replicas') : 0;
  const annotations = { [revisionAnnotation]: String(revision) };
  const set = actor.create(sets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace, labels, annotations, ownerReferences: [ownerReference(deployment)] },
    spec: {
      replicas,
      selector: {
        ...(valueAt(deployment, 'spec', 'selector') as object),
        matchLabels: { ...matchLabels, [hashLabel]: hash },
      },
      template: {
        metadata: { ...(isRecord(metadata) && metadata), labels },
        spec: structuredClone(valueAt(template, 'spec')),
      },
    },
  });
  if (set !== undefined && replicas > 0) {
    actor.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${replicas}`);
  }
  return set ?? actor.get(sets, namespace, name);
}

function trimHistory(actor: Actor, deployment: KubeObject, all: readonly KubeObject[]): void {
  const limit = numberAt(deployment, 'spec', 'revisionHistoryLimit');
  const idle = all
    .filter((set) => numberAt(set, 'spec', 'replicas') === 0 && numberAt(set, 'status', 'replicas') === 0)
    .filter((set) => !hasTemplate(set, deployment))
    .sort((a, b) => revisionOf(a) - revisionOf(b));
  for (const set of idle.slice(0, Math.max(0, idle.length - limit))) actor.delete(sets, set);
}

function revisionOf({ metadata }: KubeObject): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0);
}

interface Progress {
  wanted: number;
  total: number;
  updated: number;
  ready: number;
  setName: string;
  revision: string;
  /** Why a set got no pods, as its condition says. */
  failure: Record<string, unknown> | undefined;
}

function report(actor: Actor, deployment: KubeObject, again: (afterMs: number) => void, progress: Progress): void {
  const { wanted, total, updated, ready, revision, failure } = progress;
  const now = actor.cluster.clock.now();
  if (deployment.metadata.annotations?.[revisionAnnotation] !== revision) {
    actor.patch(deployments, deployment, { metadata: { annotations: { [revisionAnnotation]: revision } } });
  }
  const latest = actor.get(deployments, deployment.metadata.namespace ?? '', deployment.metadata.name) ?? deployment;
  const available = ready >= wanted - unavailableAllowed(deployment, wanted);
  actor.setStatus(deployments, latest, {
    observedGeneration: latest.metadata.generation,
    ...nonZero({
      replicas: total,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: ready,
      unavailableReplicas: Math.max(0, Math.max(wanted, total) - ready),
    }),
    conditions: [
      condition(
        latest,
        now,
        'Available',
        available,
        available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        available ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
      ),
      progressing(latest, now, progress, again),
      ...(failure === undefined ? [] : [failure]),
    ],
  });
}

function unavailableAllowed(deployment: KubeObject, wanted: number): number {
  const value = valueAt(deployment, 'spec', 'strategy', 'rollingUpdate', 'maxUnavailable');
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Math.floor((wanted * Number.parseFloat(value)) / 100) : 0;
}

/** The Progressing condition: done, under way, or past the deadline since anything last moved. */
function progressing(
  deployment: KubeObject,
  now: number,
  { wanted, total, updated, ready, setName }: Progress,
  again: (afterMs: number) => void,
): Record<string, unknown> {
  const set = `ReplicaSet "${setName}"`;
  if (updated === wanted && total === wanted && ready === wanted) {
    return condition(
      deployment,
      now,
      'Progressing',
      true,
      'NewReplicaSetAvailable',
      `${set} has successfully progressed.`,
    );
  }
  const old = conditionOf(deployment, 'Progressing');
  const isSame =
    textAt(old, 'message')?.includes(setName) === true && textAt(old, 'reason') !== 'NewReplicaSetAvailable';
  const moved =
    numberAt(deployment, 'status', 'readyReplicas') !== ready ||
    numberAt(deployment, 'status', 'updatedReplicas') !== updated;
  const since = isSame && !moved ? Date.parse(textAt(old, 'lastUpdateTime') ?? '') : now;
  const leftMs = since + numberAt(deployment, 'spec', 'progressDeadlineSeconds') * 1000 - now;
  const lastUpdateTime = formatTime(since);
  if (leftMs <= 0) {
    const late = condition(
      deployment,
      now,
      'Progressing',
      false,
      'ProgressDeadlineExceeded',
      `${set} has timed out progressing.`,
    );
    return { ...late, lastUpdateTime };
  }
  again(Math.min(leftMs, 2 ** 31 - 1));
  return {
    ...condition(deployment, now, 'Progressing', true, 'ReplicaSetUpdated', `${set} is progressing.`),
    lastUpdateTime,
  };
}
