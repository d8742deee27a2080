import { specs } from './default-field-specs.ts';
import type { FieldSpec } from './field-spec.ts';
import type { GroupVersionKind } from './resource-id.ts';

/** What refers to a kind by name. */
export interface NameReference extends Partial<GroupVersionKind> {
  fieldSpecs: readonly FieldSpec[];
}

type Row = readonly [path: string, kind?: string, group?: string, version?: string];

const template = 'spec/template/spec';
const jobTemplate = 'spec/jobTemplate/spec/template/spec';

/** Kinds with pods whose use of ConfigMaps and Secrets is followed. */
const podHolders: readonly Row[] = [
  ['spec', 'Pod', undefined, 'v1'],
  ['template/spec', 'PodTemplate'],
  [template, 'Deployment'],
  [template, 'ReplicaSet'],
  [template, 'DaemonSet'],
  [template, 'StatefulSet'],
  [template, 'Job'],
  [jobTemplate, 'CronJob'],
];

/** Kinds with pods whose use of everything else is followed. */
const podUsers: readonly Row[] = [
  ['spec', 'Pod'],
  [template, 'StatefulSet'],
  [template, 'Deployment'],
  [template, 'ReplicationController'],
  [jobTemplate, 'CronJob'],
  [template, 'Job'],
  [template, 'DaemonSet'],
];

const within = (holders: readonly Row[], fields: readonly string[]): Row[] =>
  holders.flatMap(([base, ...kind]) => fields.map((field): Row => [`${base}/${field}`, ...kind]));

const containerFields = (kind: 'configMap' | 'secret') => [
  `containers/env/valueFrom/${kind}KeyRef/name`,
  `initContainers/env/valueFrom/${kind}KeyRef/name`,
  `containers/envFrom/${kind}Ref/name`,
  `initContainers/envFrom/${kind}Ref/name`,
];

const rbac = 'rbac.authorization.k8s.io';
const admission = 'admissionregistration.k8s.io';

/** The references that kustomize follows without being told to. */
export function defaultNameReferences(): NameReference[] {
  const of = (target: Partial<GroupVersionKind>, rows: readonly Row[]): NameReference => ({
    ...target,
    fieldSpecs: specs(rows),
  });
  return [
    ...['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) =>
      of({ kind }, [['spec/scaleTargetRef/name', 'HorizontalPodAutoscaler']]),
    ),
    of({ kind: 'ConfigMap', version: 'v1' }, [
      ...within(podHolders, [
        'volumes/configMap/name',
        ...containerFields('configMap'),
        'volumes/projected/sources/configMap/name',
      ]),
      ['spec/configSource/configMap', 'Node'],
      ['rules/resourceNames', 'Role'],
      ['rules/resourceNames', 'ClusterRole'],
      ['metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap', 'Ingress'],
    ]),
    of({ kind: 'Secret', version: 'v1' }, [
      ...within(podHolders, [
        'volumes/secret/secretName',
        ...containerFields('secret'),
        'imagePullSecrets/name',
        'volumes/projected/sources/secret/name',
      ]),
      ['spec/tls/secretName', 'Ingress'],
      ['metadata/annotations/ingress.kubernetes.io\\/auth-secret', 'Ingress'],
      ['metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret', 'Ingress'],
      ['metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret', 'Ingress'],
      ['imagePullSecrets/name', 'ServiceAccount'],
      ['parameters/secretName', 'StorageClass'],
      ['parameters/adminSecretName', 'StorageClass'],
      ['parameters/userSecretName', 'StorageClass'],
      ['parameters/secretRef', 'StorageClass'],
      ['rules/resourceNames', 'Role'],
      ['rules/resourceNames', 'ClusterRole'],
      [`${template}/containers/env/valueFrom/secretKeyRef/name`, 'Service', 'serving.knative.dev', 'v1'],
      ['spec/azureFile/secretName', 'PersistentVolume'],
    ]),
    of({ kind: 'Service', version: 'v1' }, [
      ['spec/serviceName', 'StatefulSet', 'apps'],
      ['spec/rules/http/paths/backend/serviceName', 'Ingress'],
      ['spec/backend/serviceName', 'Ingress'],
      ['spec/rules/http/paths/backend/service/name', 'Ingress'],
      ['spec/defaultBackend/service/name', 'Ingress'],
      ['spec/service/name', 'APIService', 'apiregistration.k8s.io'],
      ['webhooks/clientConfig/service', 'ValidatingWebhookConfiguration', admission],
      ['webhooks/clientConfig/service', 'MutatingWebhookConfiguration', admission],
    ]),
    of({ kind: 'Role', group: rbac }, [['roleRef/name', 'RoleBinding', rbac]]),
    of({ kind: 'ClusterRole', group: rbac }, [
      ['roleRef/name', 'RoleBinding', rbac],
      ['roleRef/name', 'ClusterRoleBinding', rbac],
    ]),
    of({ kind: 'ServiceAccount', version: 'v1' }, [
      ['subjects', 'RoleBinding', rbac],
      ['subjects', 'ClusterRoleBinding', rbac],
      ...within(podUsers, ['serviceAccountName']),
    ]),
    of({ kind: 'PersistentVolumeClaim', version: 'v1' }, within(podUsers, ['volumes/persistentVolumeClaim/claimName'])),
    of({ kind: 'PersistentVolume', version: 'v1' }, [
      ['spec/volumeName', 'PersistentVolumeClaim'],
      ['rules/resourceNames', 'ClusterRole'],
    ]),
    of({ kind: 'StorageClass', version: 'v1', group: 'storage.k8s.io' }, [
      ['spec/storageClassName', 'PersistentVolume'],
      ['spec/storageClassName', 'PersistentVolumeClaim'],
      ['spec/volumeClaimTemplates/spec/storageClassName', 'StatefulSet'],
    ]),
    of({ kind: 'PriorityClass', version: 'v1', group: 'scheduling.k8s.io' }, within(podUsers, ['priorityClassName'])),
    // kustomize names the version in the group, and so never finds a class; nothing is followed here either.
    of({ kind: 'IngressClass', version: 'v1', group: 'networking.k8s.io/v1' }, [['spec/ingressClassName', 'Ingress']]),
    of({ kind: 'ValidatingAdmissionPolicy', group: admission }, [
      ['spec/policyName', 'ValidatingAdmissionPolicyBinding', admission],
    ]),
  ];
}
