import { controllerRights, type PolicyRule } from '../api/controller-rights.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { controllersName, scannerName } from './aws-model.ts';
import type { Topology } from './installation.ts';

/** The controllers of an installation, named as Flux's. */
export const installedControllers = [
  'source-controller',
  'kustomize-controller',
  'image-reflector-controller',
  'image-automation-controller',
] as const;

const applyingController = 'kustomize-controller';
const rbac = 'rbac.authorization.k8s.io';

interface Unit {
  account: string;
  controllers: readonly string[];
  role: string;
}

/**
 * ServiceAccounts and rights of the controllers: of one process, or of four with the rights that each needs. The role's annotation
 * is on the scanner's account in both: one process asks for tokens of that account, four have them injected.
 */
export function controllerObjects(
  namespace: string,
  topology: Topology,
  roles: Readonly<Record<string, string>>,
): KubeObject[] {
  const units: Unit[] =
    topology === 'single'
      ? [{ account: controllersName, controllers: installedControllers, role: `${controllersName}-controllers` }]
      : installedControllers.map((name) => ({
          account: name,
          controllers: [name],
          role: `${controllersName}-${name}`,
        }));
  const accounts = new Set([scannerName, ...Object.keys(roles), ...units.map(({ account }) => account)]);
  return [
    ...[...accounts].map((account) => serviceAccount(namespace, account, roles[account])),
    ...units.flatMap((unit) => rightsOf(namespace, unit)),
    ...(topology === 'single' ? tokenRights(namespace, [...new Set([scannerName, ...Object.keys(roles)])]) : []),
  ];
}

function serviceAccount(namespace: string, name: string, roleArn?: string): KubeObject {
  const annotations = roleArn === undefined ? undefined : { 'eks.amazonaws.com/role-arn': roleArn };
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, ...(annotations === undefined ? {} : { annotations }) },
  };
}

/**
 * Applying whatever a repository holds needs cluster-admin, as in a stock Flux; a Kustomization with a serviceAccountName applies
 * with that account's rights instead.
 */
function rightsOf(namespace: string, { account, controllers, role }: Unit): KubeObject[] {
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace }];
  const bind = (name: string, to: string): KubeObject =>
    ({
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: to },
      subjects,
    }) as KubeObject;
  return [
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: role },
      rules: unique(controllers.flatMap(controllerRights)),
    } as KubeObject,
    bind(role, role),
    ...(controllers.includes(applyingController) ? [bind(`${controllersName}-apply`, 'cluster-admin')] : []),
  ];
}

function unique(rules: readonly PolicyRule[]): PolicyRule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

/** Tokens are issued for the accounts that have a role, and no others. */
function tokenRights(namespace: string, resourceNames: string[]): KubeObject[] {
  const name = `${controllersName}-tokens`;
  const resources = ['serviceaccounts/token'];
  return [
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: { name, namespace },
      rules: [{ apiGroups: [''], resources, resourceNames, verbs: ['create'] }],
    } as KubeObject,
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace },
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: controllersName, namespace }],
    } as KubeObject,
  ];
}
