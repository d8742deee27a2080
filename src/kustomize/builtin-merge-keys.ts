import type { MergeNode } from './kubernetes-schema.ts';

/*
 * What kustomize 5.8 knows of the built-in kinds: the OpenAPI of Kubernetes 1.21. Later kinds are to it like custom ones, and so
 * they are here, as the same patch must give the same object.
 */

const clusterScoped = [
  'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration ValidatingWebhookConfiguration',
  'admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration ValidatingWebhookConfiguration',
  'apiextensions.k8s.io/v1 CustomResourceDefinition',
  'apiextensions.k8s.io/v1beta1 CustomResourceDefinition',
  'apiregistration.k8s.io/v1 APIService',
  'apiregistration.k8s.io/v1beta1 APIService',
  'certificates.k8s.io/v1 CertificateSigningRequest',
  'certificates.k8s.io/v1beta1 CertificateSigningRequest',
  'flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema PriorityLevelConfiguration',
  'networking.k8s.io/v1 IngressClass',
  'networking.k8s.io/v1beta1 IngressClass',
  'node.k8s.io/v1 RuntimeClass',
  'node.k8s.io/v1beta1 RuntimeClass',
  'policy/v1beta1 PodSecurityPolicy',
  'rbac.authorization.k8s.io/v1 ClusterRole ClusterRoleBinding',
  'rbac.authorization.k8s.io/v1beta1 ClusterRole ClusterRoleBinding',
  'scheduling.k8s.io/v1 PriorityClass',
  'scheduling.k8s.io/v1beta1 PriorityClass',
  'storage.k8s.io/v1 CSIDriver CSINode StorageClass VolumeAttachment',
  'storage.k8s.io/v1beta1 CSIDriver CSINode StorageClass VolumeAttachment',
  'v1 ComponentStatus Namespace Node NodeProxyOptions PersistentVolume',
];

const namespaced = [
  'apps/v1 ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet',
  'autoscaling/v1 HorizontalPodAutoscaler Scale',
  'autoscaling/v2beta1 HorizontalPodAutoscaler',
  'autoscaling/v2beta2 HorizontalPodAutoscaler',
  'batch/v1 CronJob Job',
  'batch/v1beta1 CronJob',
  'coordination.k8s.io/v1 Lease',
  'coordination.k8s.io/v1beta1 Lease',
  'discovery.k8s.io/v1 EndpointSlice',
  'discovery.k8s.io/v1beta1 EndpointSlice',
  'events.k8s.io/v1 Event',
  'events.k8s.io/v1beta1 Event',
  'extensions/v1beta1 Ingress',
  'networking.k8s.io/v1 Ingress NetworkPolicy',
  'networking.k8s.io/v1beta1 Ingress',
  'policy/v1 PodDisruptionBudget',
  'policy/v1beta1 PodDisruptionBudget',
  'rbac.authorization.k8s.io/v1 Role RoleBinding',
  'rbac.authorization.k8s.io/v1beta1 Role RoleBinding',
  'storage.k8s.io/v1beta1 CSIStorageCapacity',
  'v1 ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodAttachOptions PodExecOptions PodPortForwardOptions PodProxyOptions PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount ServiceProxyOptions',
];

/** The built-in kinds, as `apiVersion/kind`, and whether they are in a namespace. */
export function builtinScopes(): Map<string, boolean> {
  const scopes = new Map<string, boolean>();
  const add = (rows: readonly string[], isNamespaced: boolean) => {
    for (const row of rows) {
      const [apiVersion, ...kinds] = row.split(' ');
      for (const kind of kinds) scopes.set(`${apiVersion}/${kind}`, isNamespaced);
    }
  };
  add(clusterScoped, false);
  add(namespaced, true);
  return scopes;
}

const list = (keys: readonly string[], items?: MergeNode): MergeNode => ({ keys, ...(items && { items }) });
const map = (fields: Record<string, MergeNode>): MergeNode => ({ field: (name) => fields[name] });

const metadata = map({ finalizers: list([]), ownerReferences: list(['uid']) });
const object = (fields: Record<string, MergeNode> = {}) => map({ metadata, ...fields });
const status = map({ conditions: list(['type']) });

const mounts = { env: list(['name']), volumeDevices: list(['devicePath']), volumeMounts: list(['mountPath']) };
const containers = list(['name'], map({ ...mounts, ports: list(['containerPort', 'protocol']) }));
const podSpec = map({
  containers,
  initContainers: containers,
  ephemeralContainers: list(['name'], map(mounts)),
  hostAliases: list(['ip']),
  imagePullSecrets: list(['name']),
  topologySpreadConstraints: list(['topologyKey', 'whenUnsatisfiable']),
  volumes: list(['name'], map({ ephemeral: map({ volumeClaimTemplate: object() }) })),
});
const template = object({ spec: podSpec });
const claim = object({ status });
const workload = object({ spec: map({ template }), status });
const job = { spec: map({ template }), status };
const cronJob = object({ spec: map({ jobTemplate: object({ spec: map({ template }) }) }) });
const webhooks = object({ webhooks: list(['name']) });
const csiNode = object({ spec: map({ drivers: list(['name']) }) });
const conditioned = object({ status });

/** How the kinds merge that have more to merge than metadata. */
const kinds: Readonly<Record<string, MergeNode>> = {
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': webhooks,
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': webhooks,
  'admissionregistration.k8s.io/v1beta1/MutatingWebhookConfiguration': webhooks,
  'admissionregistration.k8s.io/v1beta1/ValidatingWebhookConfiguration': webhooks,
  'apiregistration.k8s.io/v1/APIService': conditioned,
  'apiregistration.k8s.io/v1beta1/APIService': conditioned,
  'apps/v1/DaemonSet': workload,
  'apps/v1/Deployment': workload,
  'apps/v1/ReplicaSet': workload,
  'apps/v1/StatefulSet': object({ spec: map({ template, volumeClaimTemplates: { items: claim } }), status }),
  'batch/v1/CronJob': cronJob,
  'batch/v1/Job': object(job),
  'batch/v1beta1/CronJob': cronJob,
  'policy/v1/PodDisruptionBudget': conditioned,
  'policy/v1beta1/PodDisruptionBudget': conditioned,
  'storage.k8s.io/v1/CSINode': csiNode,
  'storage.k8s.io/v1beta1/CSINode': csiNode,
  'v1/ComponentStatus': object({ conditions: list(['type']) }),
  'v1/Namespace': conditioned,
  'v1/Node': object({
    spec: map({ podCIDRs: list([]) }),
    status: map({ addresses: list(['type']), conditions: list(['type']) }),
  }),
  'v1/PersistentVolumeClaim': claim,
  'v1/Pod': object({ spec: podSpec, status: map({ conditions: list(['type']), podIPs: list(['ip']) }) }),
  'v1/PodTemplate': object({ template }),
  'v1/ReplicationController': workload,
  'v1/Service': object({ spec: map({ ports: list(['port', 'protocol']) }), status }),
  'v1/ServiceAccount': object({ secrets: list(['name']) }),
};

const onlyMetadata = object();

/** How patches merge into a built-in kind. */
export function builtinMergeNode(key: string, isKnown: boolean): MergeNode | undefined {
  return kinds[key] ?? (isKnown ? onlyMetadata : undefined);
}

const generators = list(['name']);

/** Kustomization files merge as objects too, when they are patched. */
export const kustomizationMergeNode = map({ configMapGenerator: generators, secretGenerator: generators });
