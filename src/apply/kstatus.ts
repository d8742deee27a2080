import { textAt, valueAt } from '../base/json.ts';
import { groupOf, type KubeObject } from '../base/kube-object.ts';

export type HealthStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';

export interface Health {
  status: HealthStatus;
  message: string;
}

const current = (message = ''): Health => ({ status: 'Current', message });
const inProgress = (message: string): Health => ({ status: 'InProgress', message });
const failed = (message: string): Health => ({ status: 'Failed', message });

/** How far an object is, by the rules of kstatus (spec/kustomization.md §11.1). `nowMs` is clock time in milliseconds. */
export function statusOf(object: KubeObject, nowMs: number = Date.now()): Health {
  if (object.metadata.deletionTimestamp !== undefined) return { status: 'Terminating', message: 'it is being deleted' };
  const observed = valueAt(object, 'status', 'observedGeneration');
  const { generation } = object.metadata;
  if (typeof observed === 'number' && generation !== undefined && observed !== generation) {
    return inProgress(`generation is ${generation}, observed is ${observed}`);
  }
  const reconciling = conditionOf(object, 'Reconciling');
  if (reconciling?.status === 'True') return inProgress(reconciling.message);
  const stalled = conditionOf(object, 'Stalled');
  if (stalled?.status === 'True') return failed(stalled.message);
  // By group and kind: a Service of Knative has nothing in common with one of the core group but its name.
  return byKind[`${groupOf(object.apiVersion)}/${object.kind}`]?.(object, nowMs) ?? generic(object);
}

function generic(object: KubeObject): Health {
  const ready = conditionOf(object, 'Ready');
  return ready === undefined || ready.status === 'True' ? current() : inProgress(ready.message);
}

interface SeenCondition {
  status: string;
  reason: string;
  message: string;
}

function conditionOf(object: KubeObject, type: string): SeenCondition | undefined {
  const conditions = valueAt(object, 'status', 'conditions');
  const found = (Array.isArray(conditions) ? conditions : []).find((condition) => textAt(condition, 'type') === type);
  if (found === undefined) return undefined;
  return {
    status: textAt(found, 'status') ?? '',
    reason: textAt(found, 'reason') ?? '',
    message: textAt(found, 'message') ?? '',
  };
}

function numberAt(object: KubeObject, ...path: string[]): number | undefined {
  const value = valueAt(object, ...path);
  return typeof value === 'number' ? value : undefined;
}

function countsOf(object: KubeObject): (field: string) => number {
  return (field) => numberAt(object, 'status', field) ?? 0;
}

const byKind: Readonly<Record<string, (object: KubeObject, nowMs: number) => Health>> = {
  'apps/Deployment': deploymentStatus,
  'apps/StatefulSet': statefulSetStatus,
  'apps/DaemonSet': daemonSetStatus,
  'apps/ReplicaSet': replicaSetStatus,
  '/Pod': podStatus,
  'batch/Job': jobStatus,
  'batch/CronJob': () => current(),
  '/ConfigMap': () => current(),
  '/Secret': () => current(),
  '/Service': serviceStatus,
  '/PersistentVolumeClaim': claimStatus,
  'policy/PodDisruptionBudget': () => current(),
  'apiextensions.k8s.io/CustomResourceDefinition': definitionStatus,
};

/** What the API takes for "no deadline": the controller then never says how the roll-out goes. */
const noProgressDeadline = 2 ** 31 - 1;

function deploymentStatus(object: KubeObject): Health {
  const progressing = conditionOf(object, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return failed(progressing.message);
  const wanted = numberAt(object, 'spec', 'replicas') ?? 1;
  const count = countsOf(object);
  if (count('replicas') < wanted) return inProgress(`Replicas: ${count('replicas')}/${wanted}`);
  if (count('updatedReplicas') < wanted) return inProgress(`Updated: ${count('updatedReplicas')}/${wanted}`);
  if (count('replicas') > wanted) return inProgress(`Pending termination: ${count('replicas') - wanted}`);
  const updated = count('updatedReplicas');
  if (count('availableReplicas') < updated) return inProgress(`Available: ${count('availableReplicas')}/${updated}`);
  if (count('readyReplicas') < wanted) return inProgress(`Ready: ${count('readyReplicas')}/${wanted}`);
  const hasDeadline = (numberAt(object, 'spec', 'progressDeadlineSeconds') ?? noProgressDeadline) < noProgressDeadline;
  const isRolledOut = progressing?.status === 'True' && progressing.reason === 'NewReplicaSetAvailable';
  if (hasDeadline && !isRolledOut) return inProgress('ReplicaSet not Available');
  return conditionOf(object, 'Available')?.status === 'True' ? current() : inProgress('Deployment not Available');
}

function statefulSetStatus(object: KubeObject): Health {
  if (textAt(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') return current();
  const wanted = numberAt(object, 'spec', 'replicas') ?? 1;
  const count = countsOf(object);
  if (count('replicas') < wanted) return inProgress(`Replicas: ${count('replicas')}/${wanted}`);
  if (count('readyReplicas') < wanted) return inProgress(`Ready: ${count('readyReplicas')}/${wanted}`);
  if (count('replicas') > wanted) return inProgress(`Pending termination: ${count('replicas') - wanted}`);
  const partition = numberAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  const updated = count('updatedReplicas');
  if (partition > 0) {
    return updated >= wanted - partition ? current() : inProgress(`Updated: ${updated}/${wanted - partition}`);
  }
  const isUpdated = textAt(object, 'status', 'currentRevision') === textAt(object, 'status', 'updateRevision');
  return isUpdated ? current() : inProgress('Waiting for updated revision to match current');
}

function daemonSetStatus(object: KubeObject): Health {
  if (numberAt(object, 'status', 'observedGeneration') === undefined) return inProgress('not observed yet');
  const desired = numberAt(object, 'status', 'desiredNumberScheduled');
  if (desired === undefined) return inProgress('Missing .status.desiredNumberScheduled');
  const count = countsOf(object);
  const rows = [
    ['Current', 'currentNumberScheduled'],
    ['Updated', 'updatedNumberScheduled'],
    ['Available', 'numberAvailable'],
    ['Ready', 'numberReady'],
  ] as const;
  for (const [label, field] of rows) {
    if (count(field) < desired) return inProgress(`${label}: ${count(field)}/${desired}`);
  }
  return current();
}

function replicaSetStatus(object: KubeObject): Health {
  const failure = conditionOf(object, 'ReplicaFailure');
  if (failure?.status === 'True') return inProgress(`Replica Failure: ${failure.message}`);
  const wanted = numberAt(object, 'spec', 'replicas') ?? 1;
  const count = countsOf(object);
  const rows = [
    ['Labelled', 'fullyLabeledReplicas'],
    ['Available', 'availableReplicas'],
    ['Ready', 'readyReplicas'],
  ] as const;
  for (const [label, field] of rows) {
    if (count(field) < wanted) return inProgress(`${label}: ${count(field)}/${wanted}`);
  }
  return count('replicas') > wanted ? inProgress(`Pending termination: ${count('replicas') - wanted}`) : current();
}

/** How long a pod may be without a node before that counts as a failure. In milliseconds. */
const scheduleWindowMs = 15_000;

function podStatus(object: KubeObject, nowMs: number): Health {
  const phase = textAt(object, 'status', 'phase');
  if (phase === 'Succeeded') return current();
  if (phase === 'Failed') return failed(textAt(object, 'status', 'message') ?? 'the pod has failed');
  if (phase === 'Running' && conditionOf(object, 'Ready')?.status === 'True') return current();
  const crashing = crashingContainers(object);
  if (crashing.length > 0) return failed(`Containers in CrashLoop state: ${crashing.join(',')}`);
  if (isUnschedulable(object)) {
    const waitedMs = nowMs - Date.parse(object.metadata.creationTimestamp ?? '');
    if (waitedMs > scheduleWindowMs) return failed('Pod could not be scheduled');
  }
  return inProgress(phase === 'Running' ? 'Pod is running but is not Ready' : 'Pod is in the Pending phase');
}

function crashingContainers(pod: KubeObject): string[] {
  const statuses = valueAt(pod, 'status', 'containerStatuses');
  return (Array.isArray(statuses) ? statuses : [])
    .filter((status) => textAt(status, 'state', 'waiting', 'reason') === 'CrashLoopBackOff')
    .map((status) => textAt(status, 'name') ?? '');
}

/** No node takes the pod, for now: a new node, or one with room, may. */
export function isUnschedulable(pod: KubeObject): boolean {
  const scheduled = conditionOf(pod, 'PodScheduled');
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable';
}

function jobStatus(object: KubeObject): Health {
  const failure = conditionOf(object, 'Failed');
  if (failure?.status === 'True') return failed(failure.message || 'the Job has failed');
  const isDone = conditionOf(object, 'Complete')?.status === 'True' || valueAt(object, 'spec', 'suspend') === true;
  return isDone ? current() : inProgress('the Job is not complete');
}

function serviceStatus(object: KubeObject): Health {
  const isAddressed = (textAt(object, 'spec', 'clusterIP') ?? '') !== '';
  if (textAt(object, 'spec', 'type') !== 'LoadBalancer' || isAddressed) return current();
  return inProgress('ClusterIP not set. Service type: LoadBalancer');
}

function claimStatus(object: KubeObject): Health {
  const phase = textAt(object, 'status', 'phase') ?? 'unknown';
  return phase === 'Bound' ? current() : inProgress(`PVC is not Bound. phase: ${phase}`);
}

function definitionStatus(object: KubeObject): Health {
  const names = conditionOf(object, 'NamesAccepted');
  if (names?.status === 'False') return failed(names.message);
  const established = conditionOf(object, 'Established');
  if (established?.status === 'False' && established.reason !== 'Installing') return failed(established.message);
  return established?.status === 'True' ? current() : inProgress('Install in progress');
}
