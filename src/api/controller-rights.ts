import { notificationGroup } from './alert.ts';
import { instanceGroup } from './flux-instance.ts';
import { imageGroup } from './image-repository.ts';

/** `rbac.authorization.k8s.io/v1 PolicyRule`. */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

const sourceGroup = 'source.toolkit.fluxcd.io';
const kustomizeGroup = 'kustomize.toolkit.fluxcd.io';
const read = ['get', 'list', 'watch'];
const write = [...read, 'create', 'update', 'patch', 'delete'];

function own(group: string, ...plurals: string[]): PolicyRule {
  const resources = plurals.flatMap((plural) => [plural, `${plural}/status`, `${plural}/finalizers`]);
  return { apiGroups: [group], resources, verbs: write };
}

const sources = ['gitrepositories', 'ocirepositories', 'buckets', 'helmrepositories', 'helmcharts'];
const credentials: PolicyRule = { apiGroups: [''], resources: ['secrets', 'serviceaccounts'], verbs: read };
const shared: readonly PolicyRule[] = [
  { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...read, 'create', 'update', 'patch'] },
  // Whom to tell of events.
  { apiGroups: [notificationGroup], resources: ['alerts', 'providers'], verbs: ['get', 'list'] },
  // To see whether a controller of Flux is alive before one of the same name starts.
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] },
];

const rights: Readonly<Record<string, readonly PolicyRule[]>> = {
  'source-controller': [
    own(sourceGroup, ...sources),
    { apiGroups: [sourceGroup], resources: ['externalartifacts'], verbs: read },
    // A push of the automation is fetched at once.
    { apiGroups: [imageGroup], resources: ['imageupdateautomations'], verbs: read },
    credentials,
    { apiGroups: [''], resources: ['configmaps'], verbs: read },
  ],
  'kustomize-controller': [
    own(kustomizeGroup, 'kustomizations'),
    { apiGroups: [sourceGroup], resources: [...sources, 'externalartifacts'], verbs: read },
    credentials,
    { apiGroups: [''], resources: ['configmaps'], verbs: read },
    // How a delivery went, for its report.
    {
      apiGroups: [imageGroup],
      resources: ['imagerepositories', 'imagepolicies', 'imageupdateautomations'],
      verbs: read,
    },
    // How long what was applied takes to run.
    { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: read },
  ],
  'image-reflector-controller': [
    own(imageGroup, 'imagerepositories', 'imagepolicies'),
    credentials,
    { apiGroups: [''], resources: ['namespaces'], verbs: read },
  ],
  'image-automation-controller': [
    own(imageGroup, 'imageupdateautomations'),
    { apiGroups: [imageGroup], resources: ['imagepolicies', 'imagerepositories'], verbs: read },
    // Woken after a push by an annotation.
    { apiGroups: [sourceGroup], resources: ['gitrepositories'], verbs: [...read, 'patch'] },
    credentials,
    { apiGroups: [''], resources: ['namespaces'], verbs: read },
  ],
  'flux-operator': [own(instanceGroup, 'fluxinstances', 'fluxreports')],
};

/**
 * What a controller may do cluster-wide, and no more: its own kinds, what they refer to, events and its lease. Applying what git
 * holds (kustomize-controller, flux-operator) takes further rights, which the installation grants apart.
 */
export function controllerRights(controller: string): PolicyRule[] {
  return [...(rights[controller] ?? []), ...shared].map((rule) => structuredClone(rule));
}
