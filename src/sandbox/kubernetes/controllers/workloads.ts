import { formatTime } from '../../../base/clock.ts';
import { sha256Hex } from '../../../base/digest.ts';
import { isRecord, textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Cluster, ownerReference } from './cluster.ts';
import type { Stand } from './loop.ts';

const manager = 'kube-controller-manager';

function numberAt(object: unknown, ...path: string[]): number {
  const value = valueAt(object, ...path);
  return typeof value === 'number' ? value : 0;
}

function isReadyPod(pod: KubeObject): boolean {
  const conditions = valueAt(pod, 'status', 'conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((entry) => textAt(entry, 'type') === 'Ready' && textAt(entry, 'status') === 'True')
  );
}

/** The controlling owners of this kind of an object that changed. */
function ownersIn(cluster: Cluster, apiVersion: string, kind: string) {
  return ({ object }: { object: KubeObject }): KubeObject[] =>
    (object.metadata.ownerReferences ?? []).flatMap((reference) => {
      if (reference.kind !== kind || reference.apiVersion !== apiVersion) return [];
      return cluster.get(apiVersion, kind, object.metadata.namespace ?? '', reference.name) ?? [];
    });
}

function newPod(owner: KubeObject, name: string | undefined, labels: Record<string, string>): KubeObject {
  const template = valueAt(owner, 'spec', 'template');
  const metadata = valueAt(template, 'metadata');
  const given = isRecord(metadata)
    ? (metadata as { labels?: Record<string, string>; annotations?: Record<string, string> })
    : {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(name === undefined ? { generateName: `${owner.metadata.name}-`, name: '' } : { name }),
      namespace: owner.metadata.namespace ?? '',
      labels: { ...given.labels, ...labels },
      ...(given.annotations === undefined ? {} : { annotations: given.annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: structuredClone(valueAt(template, 'spec')),
  };
}

/** Brings the number of pods of an owner to `wanted`; pods that are not ready go first. */
function scalePods(cluster: Cluster, owner: KubeObject, wanted: number, labels: Record<string, string>): KubeObject[] {
  const pods = cluster.ownedBy('v1', 'Pod', owner).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  for (let count = pods.length; count < wanted; count++) {
    const pod = newPod(owner, undefined, labels);
    cluster.api.create(pod, {
      resource: cluster.resource('v1', 'Pod'),
      namespace: owner.metadata.namespace ?? '',
      name: '',
      manager,
      dryRun: false,
      force: false,
      fieldValidation: 'Ignore',
      warnings: [],
    });
  }
  const surplus = [...pods]
    .sort((a, b) => Number(isReadyPod(a)) - Number(isReadyPod(b)))
    .slice(0, Math.max(0, pods.length - wanted));
  for (const pod of surplus) cluster.delete(pod);
  return cluster.ownedBy('v1', 'Pod', owner);
}

export function replicaSetStand(cluster: Cluster): Stand {
  return {
    kind: 'ReplicaSet',
    wakes: ownersIn(cluster, 'apps/v1', 'ReplicaSet'),
    reconcile: (set) => {
      if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
      const pods = scalePods(cluster, set, numberAt(set, 'spec', 'replicas'), {});
      const ready = pods.filter(isReadyPod).length;
      const counts = ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready };
      const status = {
        replicas: pods.length,
        ...(pods.length === 0 ? {} : { fullyLabeledReplicas: pods.length }),
        ...counts,
        observedGeneration: set.metadata.generation,
      };
      cluster.setStatus(set, status, manager);
    },
  };
}

export function deploymentStand(cluster: Cluster): Stand {
  return {
    kind: 'Deployment',
    wakes: ownersIn(cluster, 'apps/v1', 'Deployment'),
    reconcile: (deployment, _before, again) => {
      if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return;
      if (valueAt(deployment, 'spec', 'paused') === true) return;
      rollOut(cluster, deployment, again);
    },
  };
}

/** New pods first; the old ones go when as many new ones are ready. */
function rollOut(cluster: Cluster, deployment: KubeObject, again: (afterMs: number) => void): void {
  const wanted = numberAt(deployment, 'spec', 'replicas');
  const current = ensureReplicaSet(cluster, deployment);
  const sets = cluster.ownedBy('apps/v1', 'ReplicaSet', deployment);
  const ready = (set: KubeObject | undefined) => numberAt(set, 'status', 'readyReplicas');
  for (const set of sets) {
    const replicas = set.metadata.name === current.metadata.name ? wanted : Math.max(0, wanted - ready(current));
    const isOld = set.metadata.name !== current.metadata.name;
    if (numberAt(set, 'spec', 'replicas') !== replicas && (!isOld || numberAt(set, 'spec', 'replicas') > replicas)) {
      cluster.patch(set, { spec: { replicas } }, manager);
    }
  }
  const sum = (field: string) => sets.reduce((total, set) => total + numberAt(set, 'status', field), 0);
  reportRollOut(cluster, deployment, again, {
    wanted,
    total: sum('replicas'),
    updated: numberAt(current, 'status', 'replicas'),
    ready: sum('readyReplicas'),
    setName: current.metadata.name,
  });
}

function ensureReplicaSet(cluster: Cluster, deployment: KubeObject): KubeObject {
  const template = valueAt(deployment, 'spec', 'template');
  const hash = sha256Hex(JSON.stringify(template)).slice(0, 10);
  const namespace = deployment.metadata.namespace ?? '';
  const name = `${deployment.metadata.name}-${hash}`;
  const known = cluster.get('apps/v1', 'ReplicaSet', namespace, name);
  if (known !== undefined) return known;
  const labels = { ...labelsAt(template), 'pod-template-hash': hash };
  const templateMetadata = valueAt(template, 'metadata');
  cluster.ensure(
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, namespace, labels, ownerReferences: [ownerReference(deployment)] },
      spec: {
        replicas: numberAt(deployment, 'spec', 'replicas'),
        selector: { matchLabels: { ...selectorLabels(deployment), 'pod-template-hash': hash } },
        template: {
          metadata: { ...(isRecord(templateMetadata) ? templateMetadata : {}), labels },
          spec: structuredClone(valueAt(template, 'spec')),
        },
      },
    },
    manager,
  );
  return cluster.get('apps/v1', 'ReplicaSet', namespace, name) as KubeObject;
}

function labelsAt(template: unknown): Record<string, string> {
  const labels = valueAt(template, 'metadata', 'labels');
  return isRecord(labels) ? (labels as Record<string, string>) : {};
}

function selectorLabels(owner: KubeObject): Record<string, string> {
  const labels = valueAt(owner, 'spec', 'selector', 'matchLabels');
  return isRecord(labels) ? (labels as Record<string, string>) : {};
}

interface RollOut {
  wanted: number;
  total: number;
  updated: number;
  ready: number;
  setName: string;
}

function reportRollOut(
  cluster: Cluster,
  deployment: KubeObject,
  again: (afterMs: number) => void,
  rollOut: RollOut,
): void {
  const { wanted, total, updated, ready, setName } = rollOut;
  const isComplete = updated === wanted && total === wanted && ready === wanted;
  const progressing = progress(deployment, isComplete, setName, again);
  const isAvailable = ready >= Math.max(0, wanted - Math.ceil(wanted / 4)) && (ready > 0 || wanted === 0);
  const status = {
    observedGeneration: deployment.metadata.generation,
    ...nonZero({ replicas: total, updatedReplicas: updated, readyReplicas: ready, availableReplicas: ready }),
    ...nonZero({ unavailableReplicas: Math.max(0, Math.max(wanted, total) - ready) }),
    conditions: [
      conditionOf(
        deployment,
        'Available',
        isAvailable,
        isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        isAvailable ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
      ),
      progressing,
    ],
  };
  cluster.setStatus(deployment, status, manager);
}

/** The Progressing condition: done, under way, or past the deadline since anything last moved. */
function progress(deployment: KubeObject, isComplete: boolean, setName: string, again: (afterMs: number) => void) {
  if (isComplete) {
    return conditionOf(
      deployment,
      'Progressing',
      true,
      'NewReplicaSetAvailable',
      `ReplicaSet "${setName}" has successfully progressed.`,
    );
  }
  const message = `ReplicaSet "${setName}" is progressing.`;
  const old = existing(deployment, 'Progressing');
  const isSameRollOut =
    textAt(old, 'message')?.includes(`"${setName}"`) === true && textAt(old, 'reason') !== 'NewReplicaSetAvailable';
  const since = isSameRollOut ? Date.parse(textAt(old, 'lastUpdateTime') ?? '') : Date.now();
  const left = since + numberAt(deployment, 'spec', 'progressDeadlineSeconds') * 1000 - Date.now();
  if (left <= 0) {
    const timedOut = `ReplicaSet "${setName}" has timed out progressing.`;
    return {
      ...conditionOf(deployment, 'Progressing', false, 'ProgressDeadlineExceeded', timedOut),
      lastUpdateTime: formatTime(since),
    };
  }
  again(left);
  return {
    ...conditionOf(deployment, 'Progressing', true, 'ReplicaSetUpdated', message),
    lastUpdateTime: formatTime(since),
  };
}

function existing(object: KubeObject, type: string): unknown {
  const conditions = valueAt(object, 'status', 'conditions');
  return (Array.isArray(conditions) ? conditions : []).find((entry) => textAt(entry, 'type') === type);
}

function conditionOf(object: KubeObject, type: string, isTrue: boolean, reason: string, message: string) {
  const status = isTrue ? 'True' : 'False';
  const old = existing(object, type);
  const now = formatTime(Date.now());
  const same = textAt(old, 'status') === status;
  return {
    type,
    status,
    reason,
    message,
    lastTransitionTime: same ? (textAt(old, 'lastTransitionTime') ?? now) : now,
    lastUpdateTime: same && textAt(old, 'reason') === reason ? (textAt(old, 'lastUpdateTime') ?? now) : now,
  };
}

function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

export function statefulSetStand(cluster: Cluster): Stand {
  return {
    kind: 'StatefulSet',
    wakes: ownersIn(cluster, 'apps/v1', 'StatefulSet'),
    reconcile: (set) => {
      if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
      const wanted = numberAt(set, 'spec', 'replicas');
      const revision = `${set.metadata.name}-${sha256Hex(JSON.stringify(valueAt(set, 'spec', 'template'))).slice(0, 10)}`;
      const pods = cluster.ownedBy('v1', 'Pod', set).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      const isCurrent = (pod: KubeObject) => pod.metadata.labels?.['controller-revision-hash'] === revision;
      const outdated = pods.find((pod) => !isCurrent(pod) || Number(pod.metadata.name.split('-').at(-1)) >= wanted);
      if (outdated !== undefined) cluster.delete(outdated);
      else if (pods.length < wanted && pods.every(isReadyPod)) {
        const labels = {
          'controller-revision-hash': revision,
          'statefulset.kubernetes.io/pod-name': `${set.metadata.name}-${pods.length}`,
        };
        cluster.ensure(newPod(set, `${set.metadata.name}-${pods.length}`, labels), manager);
      }
      const current = pods.filter(isCurrent);
      const ready = current.filter(isReadyPod).length;
      cluster.setStatus(
        set,
        {
          observedGeneration: set.metadata.generation,
          replicas: pods.length,
          ...nonZero({ readyReplicas: ready, currentReplicas: current.length, updatedReplicas: current.length }),
          availableReplicas: ready,
          currentRevision:
            current.length === wanted ? revision : (textAt(set, 'status', 'currentRevision') ?? revision),
          updateRevision: revision,
          collisionCount: 0,
        },
        manager,
      );
    },
  };
}

export function daemonSetStand(cluster: Cluster): Stand {
  return {
    kind: 'DaemonSet',
    wakes: ownersIn(cluster, 'apps/v1', 'DaemonSet'),
    reconcile: (set) => {
      if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
      const hash = sha256Hex(JSON.stringify(valueAt(set, 'spec', 'template'))).slice(0, 10);
      for (const pod of cluster.ownedBy('v1', 'Pod', set)) {
        if (pod.metadata.labels?.['controller-revision-hash'] !== hash) cluster.delete(pod);
      }
      const pods = scalePods(cluster, set, 1, { 'controller-revision-hash': hash });
      const ready = pods.filter(isReadyPod).length;
      cluster.setStatus(
        set,
        {
          observedGeneration: set.metadata.generation,
          desiredNumberScheduled: 1,
          currentNumberScheduled: pods.length,
          updatedNumberScheduled: pods.length,
          numberMisscheduled: 0,
          numberReady: ready,
          ...nonZero({ numberAvailable: ready, numberUnavailable: 1 - ready }),
        },
        manager,
      );
    },
  };
}

export function jobStand(cluster: Cluster): Stand {
  return {
    kind: 'Job',
    wakes: ownersIn(cluster, 'batch/v1', 'Job'),
    reconcile: (job) => {
      if (job === undefined || job.metadata.deletionTimestamp !== undefined || existing(job, 'Complete') !== undefined)
        return;
      if (valueAt(job, 'spec', 'suspend') === true) return;
      const pods = cluster.ownedBy('v1', 'Pod', job);
      const succeeded = pods.filter((pod) => textAt(pod, 'status', 'phase') === 'Succeeded').length;
      const completions = numberAt(job, 'spec', 'completions') || 1;
      if (pods.length < completions) scalePods(cluster, job, completions, { 'job-name': job.metadata.name });
      const now = formatTime(Date.now());
      const isDone = succeeded >= completions;
      const startTime = textAt(job, 'status', 'startTime') ?? now;
      cluster.setStatus(
        job,
        {
          startTime,
          ...nonZero({ active: Math.max(0, completions - succeeded), succeeded }),
          ready: 0,
          ...(isDone
            ? {
                completionTime: now,
                conditions: [
                  {
                    type: 'Complete',
                    status: 'True',
                    reason: 'CompletionsReached',
                    message: 'Reached expected number of succeeded pods',
                    lastTransitionTime: now,
                    lastProbeTime: now,
                  },
                ],
              }
            : {}),
        },
        manager,
      );
    },
  };
}
