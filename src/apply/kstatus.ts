import { textAt, valueAt } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';

export type HealthStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';

export interface Health {
  status: HealthStatus;
  message: string;
}

const current = (message = ''): Health => ({ status: 'Current', message });
const inProgress = (message: string): Health => ({ status: 'InProgress', message });
const failed = (message: string): Health => ({ status: 'Failed', message });

/** How far an object is, by the rules of kstatus (spec/kustomization.md §11.1). */
export function statusOf(object: KubeObject): Health {
  if (object.metadata.deletionTimestamp !== undefined) return { status: 'Terminating', message: 'it is being deleted' };
  const observed = valueAt(object, 'status', 'observedGeneration');
  if (
    typeof observed === 'number' &&
    object.metadata.generation !== undefined &&
    observed !== object.metadata.generation
  ) {
    return inProgress(`generation is ${object.metadata.generation}, observed is ${observed}`);
  }
  const reconciling = conditionOf(object, 'Reconciling');
  if (reconciling?.status === 'True') return inProgress(reconciling.message);
  const stalled = conditionOf(object, 'Stalled');
  if (stalled?.status === 'True') return failed(stalled.message);
  return byKind[object.kind]?.(object) ?? generic(object);
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

function count(object: KubeObject, ...path: string[]): number {
  const value = valueAt(object, ...path);
  return typeof value === 'number' ? value : 0;
}

function wantedReplicas(object: KubeObject): number {
  const value = valueAt(object, 'spec', 'replicas');
  return typeof value === 'number' ? value : 1;
}

const byKind: Readonly<Record<string, (object: KubeObject) => Health>> = {
  Deployment: deploymentStatus,
  StatefulSet: statefulSetStatus,
  DaemonSet: daemonSetStatus,
  ReplicaSet: replicaSetStatus,
  Pod: podStatus,
  Job: jobStatus,
  CronJob: () => current(),
  ConfigMap: () => current(),
  Secret: () => current(),
  Service: (object) =>
    textAt(object, 'spec', 'type') !== 'LoadBalancer' || textAt(object, 'spec', 'clusterIP') !== undefined
      ? current()
      : inProgress('no cluster address yet'),
  PersistentVolumeClaim: (object) =>
    textAt(object, 'status', 'phase') === 'Bound' ? current() : inProgress('not bound'),
  CustomResourceDefinition: crdStatus,
};

function deploymentStatus(object: KubeObject): Health {
  const progressing = conditionOf(object, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return failed(progressing.message);
  if (valueAt(object, 'status', 'observedGeneration') === undefined) return inProgress('not observed yet');
  const wanted = wantedReplicas(object);
  const status = (field: string) => count(object, 'status', field);
  if (status('updatedReplicas') < wanted) return inProgress(`Updated: ${status('updatedReplicas')}/${wanted}`);
  if (status('replicas') > status('updatedReplicas'))
    return inProgress(`Pending termination: ${status('replicas') - status('updatedReplicas')}`);
  if (status('availableReplicas') < wanted) return inProgress(`Available: ${status('availableReplicas')}/${wanted}`);
  if (status('readyReplicas') < wanted) return inProgress(`Ready: ${status('readyReplicas')}/${wanted}`);
  if (progressing !== undefined && progressing.reason !== 'NewReplicaSetAvailable')
    return inProgress('ReplicaSet not available');
  const available = conditionOf(object, 'Available');
  return available === undefined || available.status === 'True' ? current() : inProgress('Deployment not available');
}

function statefulSetStatus(object: KubeObject): Health {
  if (textAt(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') return current();
  const wanted = wantedReplicas(object);
  const status = (field: string) => count(object, 'status', field);
  if (status('replicas') !== wanted) return inProgress(`Replicas: ${status('replicas')}/${wanted}`);
  if (status('readyReplicas') !== wanted) return inProgress(`Ready: ${status('readyReplicas')}/${wanted}`);
  const partition = count(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
  if (partition > 0)
    return status('updatedReplicas') >= wanted - partition ? current() : inProgress('partitioned roll-out under way');
  const isUpdated = textAt(object, 'status', 'currentRevision') === textAt(object, 'status', 'updateRevision');
  return isUpdated ? current() : inProgress('waiting for the new revision');
}

function daemonSetStatus(object: KubeObject): Health {
  const desired = valueAt(object, 'status', 'desiredNumberScheduled');
  if (typeof desired !== 'number') return inProgress('no pods scheduled yet');
  for (const field of ['currentNumberScheduled', 'updatedNumberScheduled', 'numberAvailable', 'numberReady']) {
    if (count(object, 'status', field) < desired)
      return inProgress(`${field}: ${count(object, 'status', field)}/${desired}`);
  }
  return current();
}

function replicaSetStatus(object: KubeObject): Health {
  const wanted = wantedReplicas(object);
  for (const field of ['fullyLabeledReplicas', 'availableReplicas', 'readyReplicas']) {
    if (count(object, 'status', field) < wanted)
      return inProgress(`${field}: ${count(object, 'status', field)}/${wanted}`);
  }
  return count(object, 'status', 'replicas') > wanted ? inProgress('surplus pods') : current();
}

function podStatus(object: KubeObject): Health {
  const phase = textAt(object, 'status', 'phase');
  if (phase === 'Succeeded') return current();
  if (phase === 'Failed') return failed('the pod has failed');
  const statuses = valueAt(object, 'status', 'containerStatuses');
  const waiting = (Array.isArray(statuses) ? statuses : []).map((status) =>
    textAt(status, 'state', 'waiting', 'reason'),
  );
  if (waiting.includes('CrashLoopBackOff')) return failed('a container crashes again and again');
  return phase === 'Running' && conditionOf(object, 'Ready')?.status === 'True'
    ? current()
    : inProgress('the pod is not ready');
}

function jobStatus(object: KubeObject): Health {
  if (conditionOf(object, 'Failed')?.status === 'True')
    return failed(conditionOf(object, 'Failed')?.message ?? 'the Job has failed');
  if (conditionOf(object, 'Complete')?.status === 'True' || valueAt(object, 'spec', 'suspend') === true)
    return current();
  return inProgress('the Job is not complete');
}

function crdStatus(object: KubeObject): Health {
  if (conditionOf(object, 'NamesAccepted')?.status === 'False')
    return failed(conditionOf(object, 'NamesAccepted')?.message ?? '');
  return conditionOf(object, 'Established')?.status === 'True' ? current() : inProgress('not established');
}
