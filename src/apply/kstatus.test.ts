import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../base/kube-object.ts';
import { compileHealthRules } from './health-expressions.ts';
import { type HealthStatus, statusOf } from './kstatus.ts';

type Fields = Record<string, unknown>;
const now = Date.parse('2026-01-01T00:01:00Z');

function object(apiVersion: string, kind: string, spec: Fields, status: Fields, metadata: Fields = {}): KubeObject {
  return { apiVersion, kind, metadata: { name: 'x', generation: 1, ...metadata }, spec, status };
}

const condition = (type: string, status = 'True', reason = '') => ({
  type,
  status,
  reason,
  message: `${type} ${reason}`,
});
const counts = (all: number) => ({ replicas: all, updatedReplicas: all, readyReplicas: all, availableReplicas: all });
const rolledOut = [condition('Progressing', 'True', 'NewReplicaSetAvailable'), condition('Available')];
const deadline = { replicas: 2, progressDeadlineSeconds: 600 };
const scheduled = { ...condition('PodScheduled', 'False', 'Unschedulable') };
const looping = [{ name: 'c', state: { waiting: { reason: 'CrashLoopBackOff' } } }];

const cases: [string, KubeObject, HealthStatus][] = [
  [
    'a Deployment that is rolled out',
    object('apps/v1', 'Deployment', deadline, { ...counts(2), conditions: rolledOut }),
    'Current',
  ],
  ['a Deployment without any status', object('apps/v1', 'Deployment', deadline, {}), 'InProgress'],
  [
    'a Deployment with old pods',
    object('apps/v1', 'Deployment', deadline, { ...counts(2), replicas: 3, conditions: rolledOut }),
    'InProgress',
  ],
  [
    'a Deployment that is not available',
    object('apps/v1', 'Deployment', deadline, { ...counts(2), conditions: [rolledOut[0]] }),
    'InProgress',
  ],
  [
    'a Deployment whose roll-out is not acknowledged',
    object('apps/v1', 'Deployment', deadline, { ...counts(2), conditions: [rolledOut[1]] }),
    'InProgress',
  ],
  [
    'a Deployment without a deadline',
    object('apps/v1', 'Deployment', { replicas: 2 }, { ...counts(2), conditions: [rolledOut[1]] }),
    'Current',
  ],
  [
    'a Deployment past its deadline',
    object('apps/v1', 'Deployment', deadline, {
      conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')],
    }),
    'Failed',
  ],
  [
    'an old status',
    object('apps/v1', 'Deployment', deadline, { ...counts(2), conditions: rolledOut, observedGeneration: 0 }),
    'InProgress',
  ],
  ['what is being deleted', object('v1', 'ConfigMap', {}, {}, { deletionTimestamp: 'x' }), 'Terminating'],
  [
    'a StatefulSet',
    object('apps/v1', 'StatefulSet', { replicas: 1 }, { ...counts(1), currentRevision: 'a', updateRevision: 'a' }),
    'Current',
  ],
  [
    'a StatefulSet at another revision',
    object('apps/v1', 'StatefulSet', { replicas: 1 }, { ...counts(1), currentRevision: 'a', updateRevision: 'b' }),
    'InProgress',
  ],
  [
    'a StatefulSet with a partition',
    object(
      'apps/v1',
      'StatefulSet',
      { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } },
      { ...counts(3), updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
    ),
    'Current',
  ],
  [
    'a StatefulSet updated by hand',
    object('apps/v1', 'StatefulSet', { updateStrategy: { type: 'OnDelete' } }, {}),
    'Current',
  ],
  [
    'a DaemonSet',
    object(
      'apps/v1',
      'DaemonSet',
      {},
      {
        observedGeneration: 1,
        desiredNumberScheduled: 1,
        currentNumberScheduled: 1,
        updatedNumberScheduled: 1,
        numberAvailable: 1,
        numberReady: 1,
      },
    ),
    'Current',
  ],
  ['a DaemonSet nobody has seen', object('apps/v1', 'DaemonSet', {}, {}), 'InProgress'],
  [
    'a ReplicaSet with too few',
    object('apps/v1', 'ReplicaSet', { replicas: 2 }, { replicas: 2, fullyLabeledReplicas: 2, availableReplicas: 1 }),
    'InProgress',
  ],
  ['a pod that is ready', object('v1', 'Pod', {}, { phase: 'Running', conditions: [condition('Ready')] }), 'Current'],
  ['a pod that has ended', object('v1', 'Pod', {}, { phase: 'Succeeded' }), 'Current'],
  ['a pod that has failed', object('v1', 'Pod', {}, { phase: 'Failed' }), 'Failed'],
  ['a pod that crashes', object('v1', 'Pod', {}, { phase: 'Running', containerStatuses: looping }), 'Failed'],
  [
    'a pod without a node, just made',
    object(
      'v1',
      'Pod',
      {},
      { phase: 'Pending', conditions: [scheduled] },
      { creationTimestamp: '2026-01-01T00:00:50Z' },
    ),
    'InProgress',
  ],
  [
    'a pod without a node for long',
    object(
      'v1',
      'Pod',
      {},
      { phase: 'Pending', conditions: [scheduled] },
      { creationTimestamp: '2026-01-01T00:00:00Z' },
    ),
    'Failed',
  ],
  ['a Job that is done', object('batch/v1', 'Job', {}, { conditions: [condition('Complete')] }), 'Current'],
  ['a Job that runs', object('batch/v1', 'Job', {}, { active: 1, startTime: 'x' }), 'InProgress'],
  ['a Job that is suspended', object('batch/v1', 'Job', { suspend: true }, {}), 'Current'],
  ['a Job that has failed', object('batch/v1', 'Job', {}, { conditions: [condition('Failed')] }), 'Failed'],
  ['a load balancer without an address', object('v1', 'Service', { type: 'LoadBalancer' }, {}), 'InProgress'],
  ['a load balancer', object('v1', 'Service', { type: 'LoadBalancer', clusterIP: '10.0.0.1' }, {}), 'Current'],
  ['a claim that waits', object('v1', 'PersistentVolumeClaim', {}, { phase: 'Pending' }), 'InProgress'],
  [
    'a definition',
    object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {}, { conditions: [condition('Established')] }),
    'Current',
  ],
  [
    'a definition whose names are taken',
    object(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {},
      { conditions: [condition('NamesAccepted', 'False')] },
    ),
    'Failed',
  ],
  ['a custom resource without a status', object('x.dev/v1', 'Thing', {}, {}), 'Current'],
  [
    'a custom resource that is not ready',
    object('x.dev/v1', 'Thing', {}, { conditions: [condition('Ready', 'False')] }),
    'InProgress',
  ],
  [
    'a custom resource that is stalled',
    object('x.dev/v1', 'Thing', {}, { conditions: [condition('Stalled')] }),
    'Failed',
  ],
  [
    'a custom resource that is worked on',
    object('x.dev/v1', 'Thing', {}, { conditions: [condition('Reconciling'), condition('Ready')] }),
    'InProgress',
  ],
  [
    'a Service of another group',
    object('serving.knative.dev/v1', 'Service', {}, { conditions: [condition('Ready', 'Unknown')] }),
    'InProgress',
  ],
];
test.each(cases)('%s', (_, subject, want) => expect(statusOf(subject, now).status).toBe(want));

describe('expressions', () => {
  const rules = compileHealthRules([
    { apiVersion: 'x.dev/v1', current: 'true' },
    { apiVersion: 'x.dev/v1beta1', kind: 'Thing', current: "status.phase == 'Up'", failed: "status.phase == 'Down'" },
  ]);
  const thing = (status: Fields) => object('x.dev/v2', 'Thing', {}, status);
  test('match by group and kind, the kind before the group', () => {
    expect(rules(thing({ phase: 'Up' }))?.status).toBe('Current');
    expect(rules(thing({ phase: 'Down' }))?.status).toBe('Failed');
    expect(rules(thing({ phase: '' }))?.status).toBe('InProgress');
    expect(rules(thing({}))?.status).toBe('Unknown');
    expect(rules(object('x.dev/v1', 'Other', {}, {}))?.status).toBe('Current');
    expect(rules(object('y.dev/v1', 'Thing', {}, {}))).toBeUndefined();
  });
  test('an old status is not judged', () => {
    expect(rules(thing({ phase: 'Up', observedGeneration: 0 }))?.status).toBe('InProgress');
  });
  test('two for one kind are refused', () => {
    const twice = { apiVersion: 'x.dev/v1', kind: 'Thing', current: 'true' };
    expect(() => compileHealthRules([twice, { ...twice, apiVersion: 'x.dev/v2' }])).toThrow(/duplicate expressions/);
  });
});
