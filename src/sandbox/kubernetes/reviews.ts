import { isRecord, textAt, valueAt } from '../../base/json.ts';
import type { User } from './authentication.ts';
import type { Access, RoleAuthorizer } from './rbac.ts';
import type { TokenIssuer } from './service-account-tokens.ts';

/** Answers the kinds that are questions and are never stored; undefined for every other kind. */
export function answerReview(
  kind: string,
  body: unknown,
  user: User,
  rbac: RoleAuthorizer,
  issuer: TokenIssuer,
): Record<string, unknown> | undefined {
  const question = isRecord(body) ? body : {};
  switch (kind) {
    case 'SelfSubjectReview':
      return {
        ...question,
        status: {
          userInfo: { username: user.name, groups: user.groups, ...(user.uid === undefined ? {} : { uid: user.uid }) },
        },
      };
    case 'SelfSubjectAccessReview':
      return { ...question, status: decision(rbac.allows(user, accessOf(question))) };
    case 'SubjectAccessReview':
    case 'LocalSubjectAccessReview': {
      const groups = valueAt(question, 'spec', 'groups');
      const subject = {
        name: textAt(question, 'spec', 'user') ?? '',
        groups: Array.isArray(groups) ? (groups as string[]) : [],
      };
      return { ...question, status: decision(rbac.allows(subject, accessOf(question))) };
    }
    case 'SelfSubjectRulesReview':
      return { ...question, status: { resourceRules: [], nonResourceRules: [], incomplete: true } };
    case 'TokenReview': {
      const claims = issuer.check(textAt(question, 'spec', 'token') ?? '');
      const status =
        claims === undefined
          ? { authenticated: false, error: 'invalid bearer token' }
          : {
              authenticated: true,
              user: { username: claims.sub, uid: claims['kubernetes.io'].serviceaccount.uid },
              audiences: claims.aud,
            };
      return { ...question, status };
    }
    default:
      return undefined;
  }
}

function decision(allowed: boolean): Record<string, unknown> {
  return allowed ? { allowed, reason: 'RBAC: allowed by a role binding' } : { allowed };
}

function accessOf(question: Record<string, unknown>): Access {
  const attribute = (name: string) => textAt(question, 'spec', 'resourceAttributes', name) ?? '';
  const path = textAt(question, 'spec', 'nonResourceAttributes', 'path');
  const subresource = attribute('subresource');
  return {
    verb: path === undefined ? attribute('verb') : (textAt(question, 'spec', 'nonResourceAttributes', 'verb') ?? ''),
    group: attribute('group'),
    resource: subresource === '' ? attribute('resource') : `${attribute('resource')}/${subresource}`,
    namespace: attribute('namespace'),
    name: attribute('name'),
    ...(path === undefined ? {} : { path }),
  };
}
