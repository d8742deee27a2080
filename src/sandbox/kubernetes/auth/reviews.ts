import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { forbiddenField, required } from '../errors/field-error.ts';
import { invalid } from '../errors/status-error.ts';
import type { Cluster, UserInfo } from '../kinds/cluster.ts';
import type { Authenticator } from './authenticate.ts';
import { type Access, authorize, boundRules } from './authorize.ts';

/** The questions that are asked of the API as objects: each takes the body and returns it with its status. */

/** `SelfSubjectAccessReview`: may the asking user do this? */
export function selfAccessReview(cluster: Cluster, user: UserInfo, body: KubeObject): KubeObject {
  return { ...body, status: statusOf(cluster, user, accessOfSpec(body)) };
}

/** `SubjectAccessReview` and, with its namespace given, `LocalSubjectAccessReview`. */
export function accessReview(cluster: Cluster, body: KubeObject, namespace?: string): KubeObject {
  const spec = body['spec'];
  const name = valueAt(spec, 'user');
  const groups = (valueAt(spec, 'groups') ?? []) as string[];
  if (!name && groups.length === 0) {
    throw invalid({ group: 'authorization.k8s.io', kind: body.kind }, '', [
      required('spec.user', 'at least one of user or group must be specified'),
    ]);
  }
  const user: UserInfo = { name: String(name ?? ''), groups, extra: {} };
  const access = accessOfSpec(body);
  return { ...body, status: statusOf(cluster, user, namespace === undefined ? access : { ...access, namespace }) };
}

function statusOf(cluster: Cluster, user: UserInfo, access: Access): Record<string, unknown> {
  const { allowed, reason } = authorize(cluster, user, access);
  return { allowed, ...(reason !== '' && { reason }) };
}

function accessOfSpec(body: KubeObject): Access {
  const resource = valueAt(body['spec'], 'resourceAttributes');
  const path = valueAt(body['spec'], 'nonResourceAttributes');
  const kind = { group: 'authorization.k8s.io', kind: body.kind };
  if (isRecord(resource) && isRecord(path)) {
    throw invalid(kind, '', [
      forbiddenField('spec.nonResourceAttributes', 'cannot be specified in combination with resourceAttributes'),
    ]);
  }
  if (isRecord(path)) return { verb: String(path['verb'] ?? ''), path: String(path['path'] ?? '') };
  if (!isRecord(resource)) {
    throw invalid(kind, '', [
      required(
        'spec.resourceAttributes',
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    ]);
  }
  const text = (field: string) => String(resource[field] ?? '');
  return {
    verb: text('verb'),
    group: text('group'),
    resource: text('resource'),
    subresource: text('subresource'),
    name: text('name'),
    namespace: text('namespace'),
  };
}

/** `SelfSubjectRulesReview`: everything that the asking user may do in a namespace. */
export function selfRulesReview(cluster: Cluster, user: UserInfo, body: KubeObject): KubeObject {
  const namespace = String(valueAt(body['spec'], 'namespace') ?? '');
  const rules = user.groups.includes('system:masters')
    ? [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ]
    : [...boundRules(cluster, user, namespace)].flatMap((bound) => bound.rules);
  const status = {
    incomplete: false,
    resourceRules: rules
      .filter(({ resources }) => resources?.length)
      .map(({ verbs = [], apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      .map(({ verbs = [], nonResourceURLs }) => ({ verbs, nonResourceURLs })),
  };
  return { ...body, status };
}

/** `SelfSubjectReview`: who am I? */
export function selfReview(user: UserInfo, body: KubeObject): KubeObject {
  return { ...body, status: { userInfo: userBody(user) } };
}

/** `TokenReview`: whose token is this? */
export function tokenReview(authenticator: Authenticator, issuerUrl: string, body: KubeObject): KubeObject {
  const token = String(valueAt(body['spec'], 'token') ?? '');
  const audiences = (valueAt(body['spec'], 'audiences') ?? []) as string[];
  const known = authenticator.review(token, audiences.length === 0 ? [issuerUrl] : audiences);
  if (known === undefined) {
    return { ...body, status: { user: {}, error: 'invalid bearer token' } };
  }
  return { ...body, status: { authenticated: true, user: userBody(known.user), audiences: known.audiences } };
}

function userBody({ name, uid, groups, extra }: UserInfo): Record<string, unknown> {
  return {
    username: name,
    ...(uid !== undefined && { uid }),
    groups: [...groups],
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}
