import { isRecord, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { defaultPodSpec, setDefault } from './pod-defaults.ts';

type Fields = Record<string, unknown>;

/** Gives a built-in object the defaults that Kubernetes gives it. Changes `object`. */
export function defaultBuiltin(object: KubeObject): void {
  const spec = object['spec'];
  if (isRecord(spec)) {
    const template = valueAt(spec, 'template', 'spec') ?? valueAt(spec, 'jobTemplate', 'spec', 'template', 'spec');
    if (isRecord(template)) defaultPodSpec(template);
  }
  byKind[object.kind]?.(object, isRecord(spec) ? spec : {});
}

const byKind: Record<string, (object: KubeObject, spec: Fields) => void> = {
  Pod: (_object, spec) => {
    defaultPodSpec(spec);
    setDefault(spec, 'enableServiceLinks', true);
  },
  Deployment: (_object, spec) => {
    setDefault(spec, 'replicas', 1);
    setDefault(spec, 'revisionHistoryLimit', 10);
    setDefault(spec, 'progressDeadlineSeconds', 600);
    defaultRollingUpdate(spec, 'strategy', { maxUnavailable: '25%', maxSurge: '25%' });
  },
  StatefulSet: (_object, spec) => {
    setDefault(spec, 'replicas', 1);
    setDefault(spec, 'revisionHistoryLimit', 10);
    setDefault(spec, 'podManagementPolicy', 'OrderedReady');
    setDefault(spec, 'persistentVolumeClaimRetentionPolicy', { whenDeleted: 'Retain', whenScaled: 'Retain' });
    defaultRollingUpdate(spec, 'updateStrategy', { partition: 0 });
  },
  DaemonSet: (_object, spec) => {
    setDefault(spec, 'revisionHistoryLimit', 10);
    defaultRollingUpdate(spec, 'updateStrategy', { maxUnavailable: 1, maxSurge: 0 });
  },
  ReplicaSet: (_object, spec) => setDefault(spec, 'replicas', 1),
  Job: (_object, spec) => defaultJob(spec),
  CronJob: (_object, spec) => {
    setDefault(spec, 'concurrencyPolicy', 'Allow');
    setDefault(spec, 'suspend', false);
    setDefault(spec, 'successfulJobsHistoryLimit', 3);
    setDefault(spec, 'failedJobsHistoryLimit', 1);
  },
  Service: (_object, spec) => defaultService(spec),
  Secret: (object) => {
    setDefault(object, 'type', 'Opaque');
    foldStringData(object);
  },
  Namespace: (object, spec) => {
    object['spec'] = { ...spec, finalizers: spec['finalizers'] ?? ['kubernetes'] };
    object['status'] = object['status'] ?? { phase: 'Active' };
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  },
  PersistentVolumeClaim: (_object, spec) => setDefault(spec, 'volumeMode', 'Filesystem'),
  HorizontalPodAutoscaler: (_object, spec) => setDefault(spec, 'minReplicas', 1),
  NetworkPolicy: (_object, spec) =>
    setDefault(spec, 'policyTypes', spec['egress'] === undefined ? ['Ingress'] : ['Ingress', 'Egress']),
  RoleBinding: (object) => defaultBinding(object),
  ClusterRoleBinding: (object) => defaultBinding(object),
  CustomResourceDefinition: (_object, spec) => {
    setDefault(spec, 'conversion', { strategy: 'None' });
    const names = spec['names'];
    if (isRecord(names)) {
      setDefault(names, 'singular', String(names['kind'] ?? '').toLowerCase());
      setDefault(names, 'listKind', `${String(names['kind'] ?? '')}List`);
    }
  },
};

function defaultRollingUpdate(spec: Fields, field: string, values: Fields): void {
  const strategy = isRecord(spec[field]) ? spec[field] : {};
  spec[field] = strategy;
  setDefault(strategy, 'type', 'RollingUpdate');
  if (strategy['type'] !== 'RollingUpdate') return;
  const rolling = isRecord(strategy['rollingUpdate']) ? strategy['rollingUpdate'] : {};
  strategy['rollingUpdate'] = rolling;
  for (const [key, value] of Object.entries(values)) setDefault(rolling, key, value);
}

function defaultJob(spec: Fields): void {
  if (spec['parallelism'] === undefined && spec['completions'] === undefined) spec['completions'] = 1;
  setDefault(spec, 'parallelism', 1);
  setDefault(spec, 'backoffLimit', 6);
  setDefault(spec, 'completionMode', 'NonIndexed');
  setDefault(spec, 'suspend', false);
  setDefault(spec, 'podReplacementPolicy', 'TerminatingOrFailed');
  setDefault(spec, 'manualSelector', false);
}

function defaultService(spec: Fields): void {
  setDefault(spec, 'type', 'ClusterIP');
  setDefault(spec, 'sessionAffinity', 'None');
  for (const port of Array.isArray(spec['ports']) ? spec['ports'].filter(isRecord) : []) {
    setDefault(port, 'protocol', 'TCP');
    setDefault(port, 'targetPort', port['port']);
  }
  if (spec['type'] === 'ExternalName') return;
  setDefault(spec, 'internalTrafficPolicy', 'Cluster');
  setDefault(spec, 'ipFamilyPolicy', 'SingleStack');
  setDefault(spec, 'ipFamilies', ['IPv4']);
}

/** `stringData` is a way of writing; it is stored as `data`. */
function foldStringData(object: KubeObject): void {
  const { stringData } = object;
  if (!isRecord(stringData)) return;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  object['data'] = { ...(isRecord(object['data']) ? object['data'] : {}), ...Object.fromEntries(encoded) };
  delete object['stringData'];
}

function defaultBinding(object: KubeObject): void {
  const rbac = 'rbac.authorization.k8s.io';
  if (isRecord(object['roleRef'])) setDefault(object['roleRef'], 'apiGroup', rbac);
  for (const subject of Array.isArray(object['subjects']) ? object['subjects'].filter(isRecord) : []) {
    if (subject['kind'] !== 'ServiceAccount') setDefault(subject, 'apiGroup', rbac);
  }
}
