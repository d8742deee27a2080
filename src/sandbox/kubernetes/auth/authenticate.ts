import type { IncomingMessage } from 'node:http';
import { isRecord, valueAt } from '../../../base/json.ts';
import { StatusError } from '../errors/status-error.ts';
import type { Cluster, UserInfo } from '../kinds/cluster.ts';
import type { TokenIssuer } from './token-issuer.ts';

/** How bearers are told apart. */
export interface Authenticator {
  /** The user of a request. Throws 401 for a token that nobody has. */
  authenticate(request: IncomingMessage): UserInfo;
  /** The user of a token meant for one of these audiences; undefined where it is not valid. */
  review(token: string, audiences: readonly string[]): { user: UserInfo; audiences: string[] } | undefined;
}

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'], extra: {} };

const administrator: UserInfo = {
  name: 'kubernetes-admin',
  groups: ['system:masters', 'system:authenticated'],
  extra: {},
};

/** Groups that every service account is in. */
export function serviceAccountGroups(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
}

export function createAuthenticator(
  cluster: Cluster,
  issuer: TokenIssuer,
  issuerUrl: string,
  adminToken: string,
): Authenticator {
  const review: Authenticator['review'] = (token, audiences) => {
    if (token === adminToken) return { user: administrator, audiences: [...audiences] };
    const claims = issuer.check(token, issuerUrl, cluster.clock.now());
    if (claims === undefined) return undefined;
    const meant = Array.isArray(claims['aud']) ? claims['aud'].map(String) : [String(claims['aud'])];
    const shared = meant.filter((audience) => audiences.includes(audience));
    if (shared.length === 0) return undefined;
    const user = bearerOf(cluster, claims);
    return user && { user, audiences: shared };
  };
  return {
    review,
    authenticate(request) {
      const header = request.headers.authorization;
      if (header === undefined || header === '') return anonymous;
      const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
      const known = token === undefined ? undefined : review(token, [issuerUrl]);
      if (known === undefined) throw new StatusError(401, 'Unauthorized', 'Unauthorized');
      return known.user;
    },
  };
}

/** The service account of a token, as long as it and what the token is bound to exist. */
function bearerOf(cluster: Cluster, claims: Record<string, unknown>): UserInfo | undefined {
  const bound = claims['kubernetes.io'];
  const namespace = String(valueAt(bound, 'namespace'));
  const name = String(valueAt(bound, 'serviceaccount', 'name'));
  const account = cluster.store.get('/serviceaccounts', namespace, name);
  const uid = valueAt(bound, 'serviceaccount', 'uid');
  if (account === undefined || account.metadata.uid !== uid) return undefined;
  const extra: Record<string, string[]> = {
    'authentication.kubernetes.io/credential-id': [`JTI=${String(claims['jti'])}`],
  };
  const pod = valueAt(bound, 'pod');
  if (isRecord(pod)) {
    if (cluster.store.get('/pods', namespace, String(pod['name']))?.metadata.uid !== pod['uid']) return undefined;
    extra['authentication.kubernetes.io/pod-name'] = [String(pod['name'])];
    extra['authentication.kubernetes.io/pod-uid'] = [String(pod['uid'])];
  }
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid: String(uid),
    groups: serviceAccountGroups(namespace),
    extra,
  };
}
