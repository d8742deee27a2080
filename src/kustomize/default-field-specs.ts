import type { FieldSpec } from './field-spec.ts';

type Short = readonly [path: string, kind?: string, group?: string, create?: boolean, version?: string];

function specs(rows: readonly Short[]): FieldSpec[] {
  return rows.map(([path, kind, group, create = true, version]) => ({
    path,
    create,
    ...(kind === undefined ? {} : { kind }),
    ...(group === undefined ? {} : { group }),
    ...(version === undefined ? {} : { version }),
  }));
}

const affinityPaths = ['podAffinity', 'podAntiAffinity']
  .flatMap((kind) => [
    `affinity/${kind}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels`,
    `affinity/${kind}/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels`,
  ])
  .concat('topologySpreadConstraints/labelSelector/matchLabels')
  .map((path) => `spec/template/spec/${path}`);

const templateRows = (field: 'labels' | 'annotations'): Short[] => [
  [`spec/template/metadata/${field}`, 'ReplicationController', undefined, true, 'v1'],
  [`spec/template/metadata/${field}`, 'Deployment'],
  [`spec/template/metadata/${field}`, 'ReplicaSet'],
  [`spec/template/metadata/${field}`, 'DaemonSet'],
  [`spec/template/metadata/${field}`, 'StatefulSet', 'apps'],
  [`spec/template/metadata/${field}`, 'Job', 'batch'],
  [`spec/jobTemplate/metadata/${field}`, 'CronJob', 'batch'],
  [`spec/jobTemplate/spec/template/metadata/${field}`, 'CronJob', 'batch'],
];

const volumeClaims: Short = ['spec/volumeClaimTemplates[]/metadata/labels', 'StatefulSet', 'apps'];

export const metadataLabelSpecs = specs([['metadata/labels']]);
export const templateLabelSpecs = specs([...templateRows('labels'), volumeClaims]);

export const commonLabelSpecs = specs([
  ['metadata/labels'],
  ...templateRows('labels'),
  volumeClaims,
  ['spec/selector', 'Service', undefined, true, 'v1'],
  ['spec/selector', 'ReplicationController', undefined, true, 'v1'],
  ['spec/selector/matchLabels', 'Deployment'],
  ['spec/selector/matchLabels', 'ReplicaSet'],
  ['spec/selector/matchLabels', 'DaemonSet'],
  ['spec/selector/matchLabels', 'StatefulSet', 'apps'],
  ...['Deployment', 'StatefulSet'].flatMap((kind) => affinityPaths.map((path): Short => [path, kind, 'apps', false])),
  ['spec/selector/matchLabels', 'Job', 'batch', false],
  ['spec/jobTemplate/spec/selector/matchLabels', 'CronJob', 'batch', false],
  ['spec/selector/matchLabels', 'PodDisruptionBudget', 'policy', false],
  ['spec/podSelector/matchLabels', 'NetworkPolicy', 'networking.k8s.io', false],
  ['spec/ingress/from/podSelector/matchLabels', 'NetworkPolicy', 'networking.k8s.io', false],
  ['spec/egress/to/podSelector/matchLabels', 'NetworkPolicy', 'networking.k8s.io', false],
]);

export const commonAnnotationSpecs = specs([['metadata/annotations'], ...templateRows('annotations')]);

export const namespaceSpecs = specs([
  ['metadata/name', 'Namespace', undefined, true],
  ['spec/service/namespace', 'APIService', 'apiregistration.k8s.io', false],
  ['spec/conversion/webhook/clientConfig/service/namespace', 'CustomResourceDefinition', 'apiextensions.k8s.io', false],
]);

export const nameSpecs = specs([['metadata/name', undefined, undefined, false]]);

export const replicasSpecs = specs([
  ['spec/replicas', 'Deployment'],
  ['spec/replicas', 'ReplicationController'],
  ['spec/replicas', 'ReplicaSet'],
  ['spec/replicas', 'StatefulSet'],
]);

const podSpecs: readonly (readonly [kind: string, path: string])[] = [
  ['Pod', 'spec'],
  ['Deployment', 'spec/template/spec'],
  ['StatefulSet', 'spec/template/spec'],
  ['DaemonSet', 'spec/template/spec'],
  ['ReplicaSet', 'spec/template/spec'],
  ['ReplicationController', 'spec/template/spec'],
  ['Job', 'spec/template/spec'],
  ['CronJob', 'spec/jobTemplate/spec/template/spec'],
  ['PodTemplate', 'template/spec'],
];

const inPods = (paths: readonly string[]): FieldSpec[] =>
  podSpecs.flatMap(([kind, base]) => paths.map((path) => ({ kind, path: `${base}/${path}` })));

/** What refers to a kind by name. */
export interface NameReference {
  kind: string;
  group?: string;
  version?: string;
  fieldSpecs: FieldSpec[];
}

const inContainers = (paths: readonly string[]) =>
  ['containers', 'initContainers', 'ephemeralContainers'].flatMap((list) => paths.map((path) => `${list}/${path}`));

const scaled = (kind: string): NameReference => ({
  kind,
  fieldSpecs: specs([['spec/scaleTargetRef/name', 'HorizontalPodAutoscaler', undefined, false]]),
});
const reads = (rows: readonly Short[]) => specs(rows.map(([path, kind, group]): Short => [path, kind, group, false]));
const webhooks = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

export function defaultNameReferences(): NameReference[] {
  return [
    ...['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map(scaled),
    {
      kind: 'ConfigMap',
      version: 'v1',
      fieldSpecs: [
        ...inPods([
          'volumes/configMap/name',
          'volumes/projected/sources/configMap/name',
          ...inContainers(['env/valueFrom/configMapKeyRef/name', 'envFrom/configMapRef/name']),
        ]),
        ...reads([
          ['spec/configSource/configMap', 'Node'],
          ['rules/resourceNames', 'Role'],
          ['rules/resourceNames', 'ClusterRole'],
          ['metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap', 'Ingress'],
        ]),
      ],
    },
    {
      kind: 'Secret',
      version: 'v1',
      fieldSpecs: [
        ...inPods([
          'volumes/secret/secretName',
          'volumes/projected/sources/secret/name',
          'imagePullSecrets/name',
          ...inContainers(['env/valueFrom/secretKeyRef/name', 'envFrom/secretRef/name']),
          ...['azureFile/secretName', 'scaleIO/secretRef/name', 'rbd/secretRef/name', 'cephfs/secretRef/name'].map(
            (path) => `volumes/${path}`,
          ),
        ]),
        ...reads([
          ['imagePullSecrets/name', 'ServiceAccount'],
          ['secrets/name', 'ServiceAccount'],
          ['spec/tls/secretName', 'Ingress'],
          ['metadata/annotations/ingress.kubernetes.io\\/auth-secret', 'Ingress'],
          ['metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret', 'Ingress'],
          ['metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret', 'Ingress'],
          ['spec/azureFile/secretName', 'PersistentVolume'],
          ['spec/csi/controllerPublishSecretRef/name', 'PersistentVolume'],
          ['spec/csi/nodeStageSecretRef/name', 'PersistentVolume'],
          ['spec/csi/nodePublishSecretRef/name', 'PersistentVolume'],
          ['spec/cephfs/secretRef/name', 'PersistentVolume'],
          ['spec/rbd/secretRef/name', 'PersistentVolume'],
          ['spec/scaleIO/secretRef/name', 'PersistentVolume'],
          ['parameters/secretName', 'StorageClass'],
          ['parameters/adminSecretName', 'StorageClass'],
          ['parameters/userSecretName', 'StorageClass'],
          ['parameters/secretRef', 'StorageClass'],
          ['rules/resourceNames', 'Role'],
          ['rules/resourceNames', 'ClusterRole'],
          ['spec/template/spec/containers/env/valueFrom/secretKeyRef/name', 'Service', 'serving.knative.dev'],
        ]),
      ],
    },
    {
      kind: 'Service',
      version: 'v1',
      fieldSpecs: reads([
        ['spec/serviceName', 'StatefulSet', 'apps'],
        ['spec/rules/http/paths/backend/serviceName', 'Ingress'],
        ['spec/backend/serviceName', 'Ingress'],
        ['spec/rules/http/paths/backend/service/name', 'Ingress'],
        ['spec/defaultBackend/service/name', 'Ingress'],
        ['spec/service/name', 'APIService', 'apiregistration.k8s.io'],
        ...webhooks.map((kind): Short => ['webhooks/clientConfig/service', kind, 'admissionregistration.k8s.io']),
        ['spec/conversion/webhook/clientConfig/service', 'CustomResourceDefinition', 'apiextensions.k8s.io'],
      ]),
    },
    {
      kind: 'Role',
      group: 'rbac.authorization.k8s.io',
      fieldSpecs: reads([['roleRef/name', 'RoleBinding', 'rbac.authorization.k8s.io']]),
    },
    {
      kind: 'ClusterRole',
      group: 'rbac.authorization.k8s.io',
      fieldSpecs: reads([
        ['roleRef/name', 'RoleBinding', 'rbac.authorization.k8s.io'],
        ['roleRef/name', 'ClusterRoleBinding', 'rbac.authorization.k8s.io'],
      ]),
    },
    {
      kind: 'ServiceAccount',
      version: 'v1',
      fieldSpecs: [
        ...inPods(['serviceAccountName']),
        ...reads([
          ['subjects', 'RoleBinding', 'rbac.authorization.k8s.io'],
          ['subjects', 'ClusterRoleBinding', 'rbac.authorization.k8s.io'],
        ]),
      ],
    },
    {
      kind: 'PersistentVolumeClaim',
      version: 'v1',
      fieldSpecs: inPods(['volumes/persistentVolumeClaim/claimName']),
    },
    {
      kind: 'PersistentVolume',
      version: 'v1',
      fieldSpecs: reads([
        ['spec/volumeName', 'PersistentVolumeClaim'],
        ['rules/resourceNames', 'ClusterRole'],
      ]),
    },
    {
      kind: 'StorageClass',
      group: 'storage.k8s.io',
      fieldSpecs: reads([
        ['spec/storageClassName', 'PersistentVolume'],
        ['spec/storageClassName', 'PersistentVolumeClaim'],
        ['spec/volumeClaimTemplates/spec/storageClassName', 'StatefulSet'],
      ]),
    },
    { kind: 'PriorityClass', group: 'scheduling.k8s.io', fieldSpecs: inPods(['priorityClassName']) },
    {
      kind: 'IngressClass',
      group: 'networking.k8s.io',
      fieldSpecs: reads([['spec/ingressClassName', 'Ingress']]),
    },
    {
      kind: 'ValidatingAdmissionPolicy',
      group: 'admissionregistration.k8s.io',
      fieldSpecs: reads([['spec/policyName', 'ValidatingAdmissionPolicyBinding']]),
    },
  ];
}

/** Where `$(NAME)` stands for a var. */
export function defaultVarReferences(): FieldSpec[] {
  const fields = ['args', 'command', 'env/value', 'volumeMounts/mountPath'];
  return [
    ...inPods(['containers', 'initContainers'].flatMap((list) => fields.map((field) => `${list}/${field}`))),
    ...inPods(['volumes/nfs/server', 'volumes/nfs/path']),
    ...reads([
      ['spec/rules/host', 'Ingress'],
      ['spec/tls/hosts', 'Ingress'],
      ['spec/tls/secretName', 'Ingress'],
      ['spec/nfs/server', 'PersistentVolume'],
      ['spec/ports/port', 'Service'],
      ['spec/ports/targetPort', 'Service'],
      ['metadata/labels'],
      ['metadata/annotations'],
      ...templateRows('labels'),
      ...templateRows('annotations'),
      ['spec/ports/containerPort', 'Pod'],
    ]),
  ];
}
