import { valueAt } from '../../../base/json.ts';
import { items } from '../defaults/fields.ts';
import { forbidden, StatusError } from '../errors/status-error.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { Cluster, UserInfo } from '../kinds/cluster.ts';
import { matchesLabelSelector } from '../verbs/selectors.ts';

/** What somebody wants to do, as an access review or a request puts it. */
export interface Access {
  verb: string;
  /** A path that is not a resource. */
  path?: string;
  group?: string;
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

/** A rule of a role. */
export interface PolicyRule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

/** The decision, and for a yes by which binding. */
export interface Decision {
  allowed: boolean;
  reason: string;
}

const group = 'rbac.authorization.k8s.io';

/** Evaluates RBAC: allowed when any rule of any role that is bound to the user allows it. */
export function authorize(cluster: Cluster, user: UserInfo, access: Access): Decision {
  if (user.groups.includes('system:masters')) return { allowed: true, reason: '' };
  for (const binding of boundRules(cluster, user, access.namespace)) {
    if (binding.rules.some((rule) => allows(rule, access)))
      return { allowed: true, reason: `RBAC: allowed by ${binding.text}` };
  }
  return { allowed: false, reason: '' };
}

interface BoundRules {
  rules: readonly PolicyRule[];
  text: string;
}

/** The rules that hold for a user: of cluster role bindings everywhere, of role bindings in their namespace. */
export function* boundRules(cluster: Cluster, user: UserInfo, namespace: string | undefined): Generator<BoundRules> {
  const bindings = cluster.store.list(`${group}/clusterrolebindings`);
  const local = namespace ? cluster.store.list(`${group}/rolebindings`, namespace) : [];
  for (const binding of [...bindings, ...local]) {
    const subject = items(binding, 'subjects').find((one) => isSubject(one, user, binding.metadata.namespace));
    if (subject === undefined) continue;
    const kind = String(valueAt(binding, 'roleRef', 'kind'));
    const name = String(valueAt(binding, 'roleRef', 'name'));
    const where = binding.metadata.namespace === undefined ? '' : `${binding.metadata.namespace}/`;
    const text = `${binding.kind} ${JSON.stringify(where + binding.metadata.name)} of ${kind} ${JSON.stringify(name)} to ${String(subject['kind'])} ${JSON.stringify(subjectName(subject, binding.metadata.namespace))}`;
    yield { rules: rulesOf(cluster, kind, name, binding.metadata.namespace), text };
  }
}

function subjectName(subject: Record<string, unknown>, namespace: string | undefined): string {
  if (subject['kind'] !== 'ServiceAccount') return String(subject['name']);
  return `${String(subject['name'])}/${String(subject['namespace'] ?? namespace)}`;
}

function isSubject(subject: Record<string, unknown>, user: UserInfo, namespace: string | undefined): boolean {
  const name = String(subject['name']);
  switch (subject['kind']) {
    case 'User':
      return name === user.name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return user.name === `system:serviceaccount:${String(subject['namespace'] ?? namespace)}:${name}`;
    default:
      return false;
  }
}

/** The rules of a role; those of an aggregating one are the rules of the roles that it selects. */
export function rulesOf(cluster: Cluster, kind: string, name: string, namespace: string | undefined): PolicyRule[] {
  const role =
    kind === 'ClusterRole'
      ? cluster.store.get(`${group}/clusterroles`, '', name)
      : cluster.store.get(`${group}/roles`, namespace ?? '', name);
  if (role === undefined) return [];
  const selectors = items(role['aggregationRule'], 'clusterRoleSelectors');
  const own = (role['rules'] ?? []) as PolicyRule[];
  if (selectors.length === 0) return own;
  const selected = cluster.store
    .list(`${group}/clusterroles`)
    .filter((one) => one !== role && selectors.some((selector) => matchesLabelSelector(selector, one.metadata.labels)));
  return [...own, ...selected.flatMap((one) => (one['rules'] ?? []) as PolicyRule[])];
}

/** Whether one rule allows one access. */
export function allows(rule: PolicyRule, access: Access): boolean {
  const names = (list: readonly string[] | undefined, wanted: string) =>
    list?.some((one) => one === '*' || one === wanted) ?? false;
  if (!names(rule.verbs, access.verb)) return false;
  if (access.path !== undefined) {
    const { path } = access;
    return (
      rule.nonResourceURLs?.some((url) => (url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : url === path)) ??
      false
    );
  }
  if (!names(rule.apiGroups, access.group ?? '')) return false;
  const { resource = '', subresource = '', name = '' } = access;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const named = rule.resources?.some(
    (one) => one === '*' || one === full || (subresource !== '' && one === `*/${subresource}`),
  );
  if (!named) return false;
  return !rule.resourceNames?.length || rule.resourceNames.includes(name);
}

/** The access that a request needs. */
export function accessOf(method: string, { verb, path, resource }: RequestInfo): Access {
  if (resource === undefined) return { verb: method.toLowerCase(), path };
  return {
    verb,
    group: resource.group,
    resource: resource.plural,
    subresource: resource.subresource,
    ...(resource.namespace !== undefined && { namespace: resource.namespace }),
    ...(resource.name !== undefined && { name: resource.name }),
  };
}

/** Throws 403 unless RBAC allows the access. */
export function demand(cluster: Cluster, user: UserInfo, access: Access): void {
  if (authorize(cluster, user, access).allowed) return;
  const who = `User ${JSON.stringify(user.name)} cannot ${access.verb}`;
  if (access.path !== undefined) {
    throw new StatusError(403, 'Forbidden', `forbidden: ${who} path ${JSON.stringify(access.path)}`, {});
  }
  const { resource = '', subresource = '', namespace, name = '', group: apiGroup = '' } = access;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  const why = `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(apiGroup)} ${where}`;
  throw forbidden({ group: apiGroup, resource }, name, why);
}
