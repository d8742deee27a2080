import type { FieldSpec } from './field-spec.ts';

/*
 * Where kustomize 5.8 acts on built-in kinds (api/internal/konfig/builtinpluginconsts). The order within a table is kept, as the
 * places of one kind are visited in it.
 */

type Row = readonly [path: string, kind?: string, group?: string, version?: string];

export function specs(rows: readonly Row[], create?: boolean): FieldSpec[] {
  return rows.map(([path, kind, group, version]) => ({
    path,
    ...(create === undefined ? {} : { create }),
    ...(kind === undefined ? {} : { kind }),
    ...(group === undefined ? {} : { group }),
    ...(version === undefined ? {} : { version }),
  }));
}

const templates = (field: 'labels' | 'annotations', statefulSetGroup?: string): Row[] => [
  [`spec/template/metadata/${field}`, 'ReplicationController', undefined, 'v1'],
  [`spec/template/metadata/${field}`, 'Deployment'],
  [`spec/template/metadata/${field}`, 'ReplicaSet'],
  [`spec/template/metadata/${field}`, 'DaemonSet'],
  [`spec/template/metadata/${field}`, 'StatefulSet', statefulSetGroup],
  [`spec/template/metadata/${field}`, 'Job', 'batch'],
  [`spec/jobTemplate/metadata/${field}`, 'CronJob', 'batch'],
  [`spec/jobTemplate/spec/template/metadata/${field}`, 'CronJob', 'batch'],
];

export const metadataLabelSpec: FieldSpec = { path: 'metadata/labels', create: true };

export const templateLabelSpecs = () =>
  specs(
    [
      ['metadata/labels'],
      ...templates('labels', 'apps'),
      ['spec/volumeClaimTemplates[]/metadata/labels', 'StatefulSet', 'apps'],
    ],
    true,
  );

const affinityTerms = ['podAffinity', 'podAntiAffinity'].flatMap((affinity) => [
  `affinity/${affinity}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm`,
  `affinity/${affinity}/requiredDuringSchedulingIgnoredDuringExecution`,
]);
const podSelectors = (kind: string): Row[] =>
  [...affinityTerms, 'topologySpreadConstraints'].map((place) => [
    `spec/template/spec/${place}/labelSelector/matchLabels`,
    kind,
    'apps',
  ]);

export const commonLabelSpecs = () => [
  ...specs(
    [
      ['spec/selector', 'Service', undefined, 'v1'],
      ['spec/selector', 'ReplicationController', undefined, 'v1'],
      ['spec/selector/matchLabels', 'Deployment'],
      ['spec/selector/matchLabels', 'ReplicaSet'],
      ['spec/selector/matchLabels', 'DaemonSet'],
      ['spec/selector/matchLabels', 'StatefulSet', 'apps'],
    ],
    true,
  ),
  ...specs(
    [
      ...podSelectors('Deployment'),
      ...podSelectors('StatefulSet'),
      ['spec/selector/matchLabels', 'Job', 'batch'],
      ['spec/jobTemplate/spec/selector/matchLabels', 'CronJob', 'batch'],
      ['spec/selector/matchLabels', 'PodDisruptionBudget', 'policy'],
      ['spec/podSelector/matchLabels', 'NetworkPolicy', 'networking.k8s.io'],
      ['spec/ingress/from/podSelector/matchLabels', 'NetworkPolicy', 'networking.k8s.io'],
      ['spec/egress/to/podSelector/matchLabels', 'NetworkPolicy', 'networking.k8s.io'],
    ],
    false,
  ),
  ...templateLabelSpecs(),
];

export const commonAnnotationSpecs = () => specs([['metadata/annotations'], ...templates('annotations')], true);

export const namespaceSpecs = () => [
  ...specs(
    [
      ['metadata/name', 'Namespace'],
      ['spec/service/namespace', 'APIService', 'apiregistration.k8s.io'],
    ],
    true,
  ),
  ...specs([
    ['spec/conversion/webhook/clientConfig/service/namespace', 'CustomResourceDefinition', 'apiextensions.k8s.io'],
  ]),
];

export const nameSpecs = () => specs([['metadata/name']]);

const podImages = (base: string): Row[] =>
  ['containers[]/image', 'initContainers[]/image', 'volumes[]/image/reference'].map((place) => [`${base}/${place}`]);

export const imageSpecs = () => specs([...podImages('spec'), ...podImages('spec/template/spec')], true);

export const replicaSpecs = () =>
  specs(
    ['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind): Row => ['spec/replicas', kind]),
    true,
  );

/** Where `$(NAME)` may stand for a var. */
export const varReferenceSpecs = () => {
  const containers = ['containers', 'initContainers'].flatMap((list) =>
    ['args', 'command', 'env/value', 'volumeMounts/mountPath'].map((field) => `${list}/${field}`),
  );
  const inPods = (kind: string, base: string, fields: readonly string[]): Row[] =>
    fields.map((field) => [`${base}/${field}`, kind]);
  const workload = (kind: string, volume = true) =>
    inPods(kind, 'spec/template/spec', volume ? [...containers, 'volumes/nfs/server'] : containers);
  return specs([
    ...inPods('CronJob', 'spec/jobTemplate/spec/template/spec', containers),
    ['spec/jobTemplate/spec/template/volumes/nfs/server', 'CronJob'],
    ...workload('DaemonSet'),
    ...workload('Deployment'),
    ['spec/template/metadata/annotations', 'Deployment'],
    ['spec/rules/host', 'Ingress'],
    ['spec/tls/hosts', 'Ingress'],
    ['spec/tls/secretName', 'Ingress'],
    ...workload('Job'),
    ...inPods('Pod', 'spec', [...containers, 'volumes/nfs/server']),
    ...workload('ReplicaSet'),
    ['spec/ports/port', 'Service'],
    ['spec/ports/targetPort', 'Service'],
    ...workload('StatefulSet', false),
    ['spec/volumeClaimTemplates/spec/nfs/server', 'StatefulSet'],
    ['spec/nfs/server', 'PersistentVolume'],
    ['metadata/labels'],
    ['metadata/annotations'],
  ]);
};
