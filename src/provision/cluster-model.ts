import { crds } from '../api/crds.ts';
import { GitRepository, sourceGroup } from '../api/git-repository.ts';
import { imageGroup } from '../api/image-repository.ts';
import { kindRef } from '../api/kind.ts';
import { Kustomization } from '../api/kustomization.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { type AwsModel, scannerName } from './aws-model.ts';
import type { Installation } from './installation.ts';

/** The ServiceAccount that all controllers run as in one process. */
export const controllersName = 'millrace';

/** What must exist in the cluster, in the order in which it is applied: annotations before anything that needs them runs. */
export function clusterModelOf(installation: Installation, aws: AwsModel): KubeObject[] {
  const { namespace } = installation;
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...crds(),
    serviceAccount(namespace, scannerName, { 'eks.amazonaws.com/role-arn': aws.role.arn }),
    serviceAccount(namespace, controllersName),
    ...controllerRights(namespace),
    gitSecret(installation),
    ...syncObjects(installation),
  ];
}

function serviceAccount(namespace: string, name: string, annotations?: Record<string, string>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, ...(annotations === undefined ? {} : { annotations }) },
  };
}

const rbac = 'rbac.authorization.k8s.io';

/**
 * What the controllers may do. Applying whatever a repository holds needs cluster-admin, as in a stock Flux; a Kustomization with
 * a serviceAccountName applies with that account's rights instead. Tokens are issued for the scanner's account alone.
 */
function controllerRights(namespace: string): KubeObject[] {
  const subjects = [{ kind: 'ServiceAccount', name: controllersName, namespace }];
  const roleRef = (kind: string, name: string) => ({ apiGroup: rbac, kind, name });
  const read = ['get', 'list', 'watch'];
  return [
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: `${controllersName}-controllers` },
      rules: [
        {
          apiGroups: [sourceGroup, imageGroup, 'kustomize.toolkit.fluxcd.io'],
          resources: ['*'],
          verbs: [...read, 'create', 'update', 'patch', 'delete'],
        },
        { apiGroups: [''], resources: ['secrets', 'configmaps', 'serviceaccounts', 'namespaces'], verbs: read },
        { apiGroups: ['apps'], resources: ['deployments'], verbs: read },
        { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
        { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...read, 'create', 'update', 'patch'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: `${controllersName}-controllers` },
      roleRef: roleRef('ClusterRole', `${controllersName}-controllers`),
      subjects,
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: `${controllersName}-apply` },
      roleRef: roleRef('ClusterRole', 'cluster-admin'),
      subjects,
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: { name: `${controllersName}-tokens`, namespace },
      rules: [
        { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [scannerName], verbs: ['create'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name: `${controllersName}-tokens`, namespace },
      roleRef: roleRef('Role', `${controllersName}-tokens`),
      subjects,
    },
  ];
}

function gitSecret({ namespace, git }: Installation): KubeObject {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: git.secretName, namespace },
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(git.secretData ?? { username: git.username, password: git.password }).map(([key, value]) => [
        key,
        encode(value),
      ]),
    ),
  };
}

/** The source and the Kustomization that the rest of the cluster comes from, named after their namespace, as Flux's. */
function syncObjects({ namespace, git }: Installation): KubeObject[] {
  return [
    {
      ...kindRef(GitRepository),
      metadata: { name: namespace, namespace },
      spec: { interval: '1m0s', url: git.url, ref: { branch: git.branch }, secretRef: { name: git.secretName } },
    },
    {
      ...kindRef(Kustomization),
      metadata: { name: namespace, namespace },
      spec: { interval: '10m0s', path: git.path, prune: true, sourceRef: { kind: 'GitRepository', name: namespace } },
    },
  ];
}
