import type { Caller } from '../../iam/policy-principal.ts';
import { AwsFault } from './fault.ts';
import type { IamStore, RoleRecord, UserRecord } from './iam-store.ts';
import type { SessionClaims } from './key-ring.ts';

/** Who made a call, after its credentials were checked. */
export type Identity = UserIdentity | SessionIdentity;

export interface UserIdentity {
  kind: 'user';
  caller: Caller & { kind: 'user' };
  user: UserRecord;
}

export interface SessionIdentity {
  kind: 'session';
  caller: Caller & { kind: 'session' };
  role: RoleRecord;
  claims: Omit<SessionClaims, 'accessKeyId' | 'expiresAt'>;
}

export function userIdentity(iam: IamStore, userName: string, account: string): UserIdentity | undefined {
  const user = iam.users.get(userName);
  return user === undefined ? undefined : { kind: 'user', user, caller: { kind: 'user', arn: user.arn, account } };
}

/** The identity of a role session; undefined when the role is gone or was made anew since. */
export function sessionIdentity(
  iam: IamStore,
  claims: SessionIdentity['claims'],
  account: string,
): SessionIdentity | undefined {
  const role = iam.roles.get(roleNameOf(claims.roleArn));
  if (role === undefined || role.id !== claims.roleId) return undefined;
  return {
    kind: 'session',
    role,
    claims,
    caller: { kind: 'session', arn: sessionArn(role, claims.sessionName), account, roleArn: role.arn },
  };
}

/** `arn:aws:sts::…:assumed-role/<role>/<session>`; the role's path is not part of it. */
export function sessionArn({ arn, name }: RoleRecord, sessionName: string): string {
  const [, partition, , , account] = arn.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${name}/${sessionName}`;
}

/** The unique id that GetCallerIdentity and `aws:userid` show. */
export function userId(identity: Identity): string {
  return identity.kind === 'user' ? identity.user.id : `${identity.role.id}:${identity.claims.sessionName}`;
}

/** The last part of a role's ARN: role names are unique in an account whatever their path. */
export function roleNameOf(roleArn: string): string {
  return roleArn.slice(roleArn.lastIndexOf('/') + 1);
}

/** The fault of a caller that does not exist (any more). */
export function unknownCredentials(): AwsFault {
  return new AwsFault('InvalidClientTokenId', 'The security token included in the request is invalid.', 403);
}
