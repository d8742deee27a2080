import type { KubeObject } from '../../../base/kube-object.ts';
import { type Fields, items, setDefaults, struct } from './fields.ts';
import { podDefaults, podSpecDefaults } from './pod-defaults.ts';

type Defaults = (object: KubeObject) => void;

/** The defaulting of a built-in kind: the part that is code in the real server. It changes the object it is given. */
export function defaultsOf(apiVersion: string, kind: string): Defaults {
  return defaults[`${apiVersion}/${kind}`] ?? (() => {});
}

const templateSpec = (object: KubeObject) => struct(object, 'spec', 'template', 'spec');

const defaults: Readonly<Record<string, Defaults>> = {
  'v1/Pod': (pod) => podDefaults(struct(pod, 'spec')),
  'v1/PodTemplate': (template) => podSpecDefaults(struct(template, 'template', 'spec')),
  'v1/ReplicationController': (controller) => {
    podSpecDefaults(templateSpec(controller));
    const labels = struct(controller, 'spec', 'template', 'metadata', 'labels');
    setDefaults(struct(controller, 'spec'), { replicas: 1, ...(labels && { selector: labels }) });
    if (labels !== undefined) controller.metadata.labels ??= { ...(labels as Record<string, string>) };
  },
  'v1/Namespace': (namespace) => {
    const { name, labels } = namespace.metadata;
    if (name) namespace.metadata.labels = { 'kubernetes.io/metadata.name': name, ...labels };
    setDefaults(struct(namespace, 'status'), { phase: 'Active' });
  },
  'v1/Secret': secretDefaults,
  'v1/Service': serviceDefaults,
  'v1/Endpoints': (endpoints) => {
    for (const subset of items(endpoints, 'subsets')) {
      for (const port of items(subset, 'ports')) setDefaults(port, { protocol: 'TCP' });
    }
  },
  'v1/PersistentVolumeClaim': claimDefaults,
  'v1/PersistentVolume': (volume) => {
    setDefaults(struct(volume, 'spec'), { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' });
    setDefaults(struct(volume, 'status'), { phase: 'Pending' });
  },
  'apps/v1/Deployment': (deployment) => {
    podSpecDefaults(templateSpec(deployment));
    const spec = struct(deployment, 'spec');
    setDefaults(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    rollingDefaults(struct(spec, 'strategy'), { maxUnavailable: '25%', maxSurge: '25%' });
  },
  'apps/v1/StatefulSet': (set) => {
    podSpecDefaults(templateSpec(set));
    const spec = struct(set, 'spec');
    setDefaults(spec, {
      podManagementPolicy: 'OrderedReady',
      updateStrategy: {},
      replicas: 1,
      revisionHistoryLimit: 10,
    });
    setDefaults(spec, { persistentVolumeClaimRetentionPolicy: {} });
    const retention = struct(spec, 'persistentVolumeClaimRetentionPolicy');
    setDefaults(retention, { whenDeleted: 'Retain', whenScaled: 'Retain' });
    rollingDefaults(struct(spec, 'updateStrategy'), { partition: 0 });
    for (const claim of items(spec, 'volumeClaimTemplates')) {
      Object.assign(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' });
      claimDefaults(claim as KubeObject);
    }
  },
  'apps/v1/DaemonSet': (set) => {
    podSpecDefaults(templateSpec(set));
    const spec = struct(set, 'spec');
    setDefaults(spec, { updateStrategy: {}, revisionHistoryLimit: 10 });
    rollingDefaults(struct(spec, 'updateStrategy'), { maxUnavailable: 1, maxSurge: 0 });
  },
  'apps/v1/ReplicaSet': (set) => {
    podSpecDefaults(templateSpec(set));
    setDefaults(struct(set, 'spec'), { replicas: 1 });
  },
  'batch/v1/Job': (job) => {
    podSpecDefaults(templateSpec(job));
    jobDefaults(job);
  },
  'batch/v1/CronJob': (job) => {
    podSpecDefaults(struct(job, 'spec', 'jobTemplate', 'spec', 'template', 'spec'));
    const history = { successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 };
    setDefaults(struct(job, 'spec'), { concurrencyPolicy: 'Allow', suspend: false, ...history });
  },
  'networking.k8s.io/v1/NetworkPolicy': (policy) => {
    const spec = struct(policy, 'spec');
    setDefaults(spec, { policyTypes: spec?.['egress'] === undefined ? ['Ingress'] : ['Ingress', 'Egress'] });
    for (const rule of [...items(spec, 'ingress'), ...items(spec, 'egress')]) {
      for (const port of items(rule, 'ports')) setDefaults(port, { protocol: 'TCP' });
    }
  },
  'networking.k8s.io/v1/IngressClass': (ingressClass) => {
    setDefaults(struct(ingressClass, 'spec', 'parameters'), { scope: 'Cluster' });
  },
  'autoscaling/v1/HorizontalPodAutoscaler': (autoscaler) => setDefaults(struct(autoscaler, 'spec'), { minReplicas: 1 }),
  'autoscaling/v2/HorizontalPodAutoscaler': autoscalerDefaults,
  'rbac.authorization.k8s.io/v1/RoleBinding': bindingDefaults,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': bindingDefaults,
  'storage.k8s.io/v1/StorageClass': (storageClass) =>
    setDefaults(storageClass, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
  'scheduling.k8s.io/v1/PriorityClass': (priorityClass) =>
    setDefaults(priorityClass, { preemptionPolicy: 'PreemptLowerPriority' }),
  'discovery.k8s.io/v1/EndpointSlice': (slice) => {
    for (const port of items(slice, 'ports')) setDefaults(port, { name: '', protocol: 'TCP' });
  },
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': webhookDefaults,
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': webhookDefaults,
  'apiextensions.k8s.io/v1/CustomResourceDefinition': (definition) => {
    const spec = struct(definition, 'spec');
    setDefaults(spec, { conversion: { strategy: 'None' } });
    const names = struct(spec, 'names');
    const kind = names?.['kind'];
    if (typeof kind === 'string' && kind !== '') {
      setDefaults(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
    }
  },
};

/** Defaults of an update strategy: `RollingUpdate` with its parameters. */
function rollingDefaults(strategy: Fields | undefined, parameters: Fields): void {
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy?.['type'] !== 'RollingUpdate') return;
  setDefaults(strategy, { rollingUpdate: {} });
  setDefaults(struct(strategy, 'rollingUpdate'), parameters);
}

function claimDefaults(claim: KubeObject): void {
  setDefaults(struct(claim, 'spec'), { volumeMode: 'Filesystem' });
  setDefaults(claim, { status: {} });
  setDefaults(struct(claim, 'status'), { phase: 'Pending' });
}

function jobDefaults(job: KubeObject): void {
  const spec = struct(job, 'spec');
  if (spec === undefined) return;
  if (spec['completions'] === undefined && spec['parallelism'] === undefined) {
    Object.assign(spec, { completions: 1, parallelism: 1 });
  }
  setDefaults(spec, {
    parallelism: 1,
    backoffLimit: spec['backoffLimitPerIndex'] === undefined ? 6 : 2147483647,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed',
  });
  const labels = struct(spec, 'template', 'metadata', 'labels');
  if (labels !== undefined) job.metadata.labels ??= { ...(labels as Record<string, string>) };
}

/** `stringData` is only for writing: it ends up in `data`. */
function secretDefaults(secret: KubeObject): void {
  setDefaults(secret, { type: 'Opaque' });
  const texts = struct(secret, 'stringData');
  if (texts === undefined) return;
  const data = { ...struct(secret, 'data') };
  for (const key in texts) data[key] = Buffer.from(String(texts[key])).toString('base64');
  secret['data'] = data;
  delete secret['stringData'];
}

function serviceDefaults(service: KubeObject): void {
  const spec = struct(service, 'spec');
  if (spec === undefined) return;
  setDefaults(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
  if (spec['sessionAffinity'] === 'ClientIP') {
    setDefaults(spec, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } });
  }
  for (const port of items(spec, 'ports')) {
    setDefaults(port, { protocol: 'TCP' });
    if (port['targetPort'] === 0 || port['targetPort'] === '') port['targetPort'] = port['port'];
  }
  const type = spec['type'];
  if (type !== 'ExternalName') setDefaults(spec, { internalTrafficPolicy: 'Cluster' });
  if (type === 'NodePort' || type === 'LoadBalancer') setDefaults(spec, { externalTrafficPolicy: 'Cluster' });
  if (type === 'LoadBalancer') setDefaults(spec, { allocateLoadBalancerNodePorts: true });
}

const scaleUpPolicies = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
];

function autoscalerDefaults(autoscaler: KubeObject): void {
  const spec = struct(autoscaler, 'spec');
  const byCpu = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } };
  setDefaults(spec, { minReplicas: 1, metrics: [{ type: 'Resource', resource: byCpu }] });
  const behavior = struct(spec, 'behavior');
  if (behavior === undefined) return;
  setDefaults(behavior, { scaleUp: {}, scaleDown: {} });
  setDefaults(struct(behavior, 'scaleUp'), {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: scaleUpPolicies.map((policy) => ({ ...policy })),
  });
  const downPolicies = [{ type: 'Percent', value: 100, periodSeconds: 15 }];
  setDefaults(struct(behavior, 'scaleDown'), { selectPolicy: 'Max', policies: downPolicies });
}

const rbacGroup = 'rbac.authorization.k8s.io';

function bindingDefaults(binding: KubeObject): void {
  const roleRef = struct(binding, 'roleRef');
  if (roleRef !== undefined && !roleRef['apiGroup']) roleRef['apiGroup'] = rbacGroup;
  for (const subject of items(binding, 'subjects')) {
    if (subject['kind'] !== 'ServiceAccount' && !subject['apiGroup']) subject['apiGroup'] = rbacGroup;
  }
}

function webhookDefaults(configuration: KubeObject): void {
  const mutating = configuration.kind === 'MutatingWebhookConfiguration';
  for (const webhook of items(configuration, 'webhooks')) {
    setDefaults(webhook, {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...(mutating && { reinvocationPolicy: 'Never' }),
    });
    setDefaults(struct(webhook, 'clientConfig', 'service'), { port: 443 });
    for (const rule of items(webhook, 'rules')) setDefaults(rule, { scope: '*' });
  }
}
