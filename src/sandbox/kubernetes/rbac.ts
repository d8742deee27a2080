import { isRecord, textAt, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { User } from './authentication.ts';
import { ApiFailure } from './status.ts';
import { type ObjectStore, storeKey, storePrefix } from './store.ts';

/** What somebody wants to do. */
export interface Access {
  verb: string;
  group: string;
  /** Plural, with the subresource behind a slash; empty for paths that are no resource. */
  resource: string;
  namespace: string;
  name: string;
  path?: string;
}

const rbacGroup = 'rbac.authorization.k8s.io';

/** Paths that everybody may read. */
const publicPaths = /^\/(version|healthz|livez|readyz|api|apis|openapi|\.well-known)(\/|$)/;

/** Role-based access control: whether a rule of a role that is bound to the user allows the access. */
export class RoleAuthorizer {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  allows(user: User, access: Access): boolean {
    if (user.groups.includes('system:masters')) return true;
    if (access.path !== undefined && publicPaths.test(access.path)) return true;
    for (const binding of this.#store.list(storePrefix({ group: rbacGroup, plural: 'clusterrolebindings' }))) {
      if (this.#grants(binding, user, access)) return true;
    }
    if (access.namespace === '') return false;
    const prefix = storePrefix({ group: rbacGroup, plural: 'rolebindings' });
    return this.#store.list(prefix, access.namespace).some((binding) => this.#grants(binding, user, access));
  }

  /** Throws 403 in the words of Kubernetes where the user may not. */
  require(user: User, access: Access): void {
    if (this.allows(user, access)) return;
    const { group, resource, namespace, name, verb, path } = access;
    const who = `User ${JSON.stringify(user.name)} cannot`;
    if (path !== undefined && resource === '') {
      throw new ApiFailure(403, 'Forbidden', `forbidden: ${who} ${verb} path ${JSON.stringify(path)}`, {});
    }
    const [plural = ''] = resource.split('/');
    const qualified = group === '' ? plural : `${plural}.${group}`;
    const object = name === '' ? `${qualified} is` : `${qualified} ${JSON.stringify(name)} is`;
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
    const message = `${object} forbidden: ${who} ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${where}`;
    throw new ApiFailure(403, 'Forbidden', message, {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      kind: plural,
    });
  }

  #grants(binding: KubeObject, user: User, access: Access): boolean {
    const subjects = binding['subjects'];
    if (!Array.isArray(subjects) || !subjects.some((subject) => isSubject(subject, user, binding))) return false;
    const rules = this.#roleOf(binding)?.['rules'];
    return Array.isArray(rules) && rules.some((rule) => isRecord(rule) && ruleAllows(rule, access));
  }

  #roleOf(binding: KubeObject): KubeObject | undefined {
    const name = textAt(binding, 'roleRef', 'name') ?? '';
    const isCluster = textAt(binding, 'roleRef', 'kind') === 'ClusterRole';
    const plural = isCluster ? 'clusterroles' : 'roles';
    const namespace = isCluster ? '' : (binding.metadata.namespace ?? '');
    return this.#store.get(storeKey({ group: rbacGroup, plural }, namespace, name));
  }
}

function isSubject(subject: unknown, user: User, binding: KubeObject): boolean {
  const name = textAt(subject, 'name') ?? '';
  switch (textAt(subject, 'kind')) {
    case 'User':
      return name === user.name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return (
        user.name === `system:serviceaccount:${textAt(subject, 'namespace') ?? binding.metadata.namespace}:${name}`
      );
    default:
      return false;
  }
}

function ruleAllows(rule: Record<string, unknown>, { verb, group, resource, name, path }: Access): boolean {
  const has = (field: string, ...values: string[]) => {
    const list = valueAt(rule, field);
    return Array.isArray(list) && (list.includes('*') || values.some((value) => list.includes(value)));
  };
  if (!has('verbs', verb)) return false;
  if (resource === '') return path !== undefined && matchesPath(rule['nonResourceURLs'], path);
  const [, subresource] = resource.split('/');
  if (!has('apiGroups', group)) return false;
  if (!has('resources', resource, ...(subresource === undefined ? [] : [`*/${subresource}`]))) return false;
  const names = rule['resourceNames'];
  return !Array.isArray(names) || names.length === 0 || names.includes(name);
}

function matchesPath(patterns: unknown, path: string): boolean {
  return (
    Array.isArray(patterns) &&
    patterns.some(
      (pattern) => pattern === path || (String(pattern).endsWith('*') && path.startsWith(String(pattern).slice(0, -1))),
    )
  );
}
