import type { KubeObject } from '../../base/kube-object.ts';
import type { Cluster } from './controllers/cluster.ts';

const rbac = 'rbac.authorization.k8s.io/v1';

/** What every cluster has before anybody has applied anything. */
export function bootstrap(cluster: Cluster): void {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    cluster.ensure({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, 'kube-apiserver');
  }
  for (const object of [...clusterRoles, node]) cluster.ensure(structuredClone(object), 'kube-apiserver');
}

function role(name: string, verbs: string[], resources: string[] = ['*'], apiGroups: string[] = ['*']): KubeObject {
  return { apiVersion: rbac, kind: 'ClusterRole', metadata: { name }, rules: [{ apiGroups, resources, verbs }] };
}

function binding(name: string, roleName: string, group: string): KubeObject {
  return {
    apiVersion: rbac,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: group }],
  };
}

const read = ['get', 'list', 'watch'];
const write = [...read, 'create', 'update', 'patch', 'delete', 'deletecollection'];

const clusterRoles: readonly KubeObject[] = [
  {
    apiVersion: rbac,
    kind: 'ClusterRole',
    metadata: { name: 'cluster-admin' },
    rules: [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ],
  },
  role('admin', write),
  role('edit', write),
  role('view', read),
  role(
    'system:basic-user',
    ['create'],
    ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
    ['authorization.k8s.io'],
  ),
  role('system:self-review', ['create'], ['selfsubjectreviews'], ['authentication.k8s.io']),
  binding('cluster-admin', 'cluster-admin', 'system:masters'),
  binding('system:basic-user', 'system:basic-user', 'system:authenticated'),
  binding('system:self-review', 'system:self-review', 'system:authenticated'),
];

const node: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'sandbox', labels: { 'kubernetes.io/hostname': 'sandbox' } },
  spec: {},
};
