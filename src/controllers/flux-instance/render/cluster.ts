import { controllerRights } from '../../../api/controller-rights.ts';
import { crds } from '../../../api/crds.ts';
import { instanceGroup } from '../../../api/flux-instance.ts';
import { groupOf, type KubeObject } from '../../../base/kube-object.ts';
import type { ServedComponent, Settings } from '../settings.ts';

/** What the components share: namespace, definitions, policies of the network, rights (spec/instance.md §5.4). */
export function clusterObjectsOf(settings: Settings): KubeObject[] {
  const { components, cluster } = settings;
  return [
    namespaceOf(settings),
    ...definitionsOf(components),
    ...(cluster.networkPolicy ? networkPolicies(components) : []),
    ...components.flatMap((component) => rightsOf(component, settings)),
  ];
}

function namespaceOf({ namespace, cluster }: Settings): KubeObject {
  const warn = 'pod-security.kubernetes.io/warn';
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      ...(cluster.type !== 'openshift' && { labels: { [warn]: 'restricted', [`${warn}-version`]: 'latest' } }),
      annotations: { [`${instanceGroup}/prune`]: 'disabled' },
    },
  };
}

const groupOfComponent: Readonly<Record<ServedComponent, string>> = {
  'source-controller': 'source.toolkit.fluxcd.io',
  'kustomize-controller': 'kustomize.toolkit.fluxcd.io',
  'image-reflector-controller': 'image.toolkit.fluxcd.io',
  'image-automation-controller': 'image.toolkit.fluxcd.io',
};

function definitionsOf(components: readonly ServedComponent[]): KubeObject[] {
  const groups = new Set(components.map((component) => groupOfComponent[component]));
  return crds().filter(({ spec }) => groups.has((spec as { group: string }).group));
}

function networkPolicies(components: readonly ServedComponent[]): KubeObject[] {
  const policy = (name: string, spec: Record<string, unknown>): KubeObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name },
    spec,
  });
  const everybody = [{ namespaceSelector: {} }];
  return [
    policy('allow-egress', {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      egress: [{}],
      ingress: [{ from: [{ podSelector: {} }] }],
    }),
    policy('allow-scraping', {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ from: everybody, ports: [{ port: 8080, protocol: 'TCP' }] }],
    }),
    policy('allow-webhooks', {
      podSelector: { matchLabels: { app: hookReceiver(components) } },
      policyTypes: ['Ingress'],
      ingress: [{ from: everybody }],
    }),
  ];
}

/** Hooks of registries and git hosts are taken by the controller that they wake; the scanner where there is one. */
function hookReceiver(components: readonly ServedComponent[]): string {
  return components.find((name) => name === 'image-reflector-controller') ?? 'source-controller';
}

const rbac = 'rbac.authorization.k8s.io';

/** Cluster-wide objects carry the namespace in their name, so that two installations do not take each other's. */
function rightsOf(component: ServedComponent, { namespace, cluster }: Settings): KubeObject[] {
  const name = `${component}-${namespace}`;
  const issuesTokens = component === 'image-reflector-controller' || cluster.objectLevelWorkloadIdentity;
  return [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules: controllerRights(component) },
    bindingOf(name, name, component, namespace),
    ...(component === 'kustomize-controller'
      ? [bindingOf(`cluster-reconciler-${namespace}`, 'cluster-admin', component, namespace)]
      : []),
    ...(issuesTokens && component !== 'kustomize-controller' ? tokenRights(component, namespace, cluster) : []),
  ];
}

function bindingOf(name: string, role: string, account: string, namespace: string): KubeObject {
  return {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  };
}

/** Tokens of the own ServiceAccount; with object-level identity, of those that objects name, in every namespace. */
function tokenRights(component: ServedComponent, namespace: string, cluster: Settings['cluster']): KubeObject[] {
  const rule = { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] };
  const name = `${component}-tokens`;
  if (cluster.objectLevelWorkloadIdentity) {
    const clusterName = `${name}-${namespace}`;
    return [
      { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: clusterName }, rules: [rule] },
      bindingOf(clusterName, clusterName, component, namespace),
    ];
  }
  return [
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: { name },
      rules: [{ ...rule, resourceNames: [component] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: component, namespace }],
    },
  ];
}

/** Whether an object stands in no namespace, of the kinds that are rendered here. */
export function isClusterScoped({ apiVersion, kind }: KubeObject): boolean {
  return kind === 'Namespace' || kind.startsWith('ClusterRole') || groupOf(apiVersion) === 'apiextensions.k8s.io';
}
