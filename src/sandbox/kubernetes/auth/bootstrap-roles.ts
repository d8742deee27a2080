import type { KubeObject } from '../../../base/kube-object.ts';
import type { PolicyRule } from './authorize.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const readVerbs = ['get', 'list', 'watch'];
const writeVerbs = ['create', 'delete', 'deletecollection', 'patch', 'update'];

/** Resources that `view` may read, by API group; `edit` may write them. Secrets are for `edit` alone. */
const namespaceContents: Readonly<Record<string, string[]>> = {
  '': [
    'configmaps',
    'endpoints',
    'persistentvolumeclaims',
    'persistentvolumeclaims/status',
    'pods',
    'replicationcontrollers',
    'replicationcontrollers/scale',
    'serviceaccounts',
    'services',
    'services/status',
  ],
  apps: [
    'daemonsets',
    'daemonsets/status',
    'deployments',
    'deployments/scale',
    'deployments/status',
    'replicasets',
    'replicasets/scale',
    'replicasets/status',
    'statefulsets',
    'statefulsets/scale',
    'statefulsets/status',
  ],
  autoscaling: ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'],
  batch: ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'],
  'networking.k8s.io': ['ingresses', 'ingresses/status', 'networkpolicies'],
  policy: ['poddisruptionbudgets', 'poddisruptionbudgets/status'],
  'discovery.k8s.io': ['endpointslices'],
};

const alsoRead = [
  'bindings',
  'events',
  'limitranges',
  'namespaces',
  'namespaces/status',
  'pods/log',
  'pods/status',
  'resourcequotas',
  'resourcequotas/status',
];

function contents(verbs: string[]): PolicyRule[] {
  return Object.entries(namespaceContents).map(([group, resources]) => ({ apiGroups: [group], resources, verbs }));
}

const viewRules: PolicyRule[] = [...contents(readVerbs), { apiGroups: [''], resources: alsoRead, verbs: readVerbs }];

const editRules: PolicyRule[] = [
  ...contents(writeVerbs),
  { apiGroups: [''], resources: ['secrets'], verbs: [...readVerbs, ...writeVerbs] },
  {
    apiGroups: [''],
    resources: ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'services/proxy'],
    verbs: [...readVerbs, ...writeVerbs],
  },
  { apiGroups: [''], resources: ['pods/eviction', 'serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['impersonate'] },
  { apiGroups: [''], resources: ['events'], verbs: writeVerbs },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...readVerbs, ...writeVerbs] },
];

const adminRules: PolicyRule[] = [
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['rolebindings', 'roles'],
    verbs: [...readVerbs, ...writeVerbs],
  },
  { apiGroups: ['authorization.k8s.io'], resources: ['localsubjectaccessreviews'], verbs: ['create'] },
];

const publicPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const discoveryPaths = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];

function aggregateTo(role: string): Record<string, string> {
  return { [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' };
}

function clusterRole(name: string, rules: PolicyRule[], more: Record<string, string> = {}): [string, KubeObject] {
  const metadata = { name, labels: { ...labels, ...more }, annotations };
  return [`rbac.authorization.k8s.io/clusterroles`, { apiVersion, kind: 'ClusterRole', metadata, rules }];
}

function aggregated(name: string, more: Record<string, string> = {}): [string, KubeObject] {
  const [storage, role] = clusterRole(name, [], more);
  return [storage, { ...role, aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] } }];
}

const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };

function binding(name: string, groups: string[], role = name): [string, KubeObject] {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role };
  const subjects = groups.map((group) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }));
  const metadata = { name, labels, annotations };
  return [
    'rbac.authorization.k8s.io/clusterrolebindings',
    { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  ];
}

/** The roles and bindings that a cluster starts with, with where they are stored. */
export function bootstrapRoles(): [storage: string, object: KubeObject][] {
  return [
    clusterRole('cluster-admin', [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ]),
    aggregated('admin'),
    aggregated('edit', aggregateTo('admin')),
    aggregated('view', aggregateTo('edit')),
    clusterRole('system:aggregate-to-admin', adminRules, aggregateTo('admin')),
    clusterRole('system:aggregate-to-edit', editRules, aggregateTo('edit')),
    clusterRole('system:aggregate-to-view', viewRules, aggregateTo('view')),
    clusterRole('system:discovery', [{ nonResourceURLs: discoveryPaths, verbs: ['get'] }]),
    clusterRole('system:public-info-viewer', [{ nonResourceURLs: publicPaths, verbs: ['get'] }]),
    clusterRole('system:basic-user', [
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        verbs: ['create'],
      },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ]),
    clusterRole('system:service-account-issuer-discovery', [
      {
        nonResourceURLs: [
          '/.well-known/openid-configuration',
          '/.well-known/openid-configuration/',
          '/openid/v1/jwks',
          '/openid/v1/jwks/',
        ],
        verbs: ['get'],
      },
    ]),
    clusterRole('system:auth-delegator', [
      { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
      { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    ]),
    binding('cluster-admin', ['system:masters']),
    binding('system:discovery', ['system:authenticated']),
    binding('system:basic-user', ['system:authenticated']),
    binding('system:public-info-viewer', ['system:authenticated', 'system:unauthenticated']),
    binding('system:service-account-issuer-discovery', ['system:serviceaccounts']),
  ];
}
