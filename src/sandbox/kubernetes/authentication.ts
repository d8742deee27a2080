import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TokenIssuer } from './service-account-tokens.ts';
import { unauthorized } from './status.ts';

/** Who a request comes from. */
export interface User {
  name: string;
  groups: readonly string[];
  uid?: string;
}

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const admin: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

/** The user of a request by its bearer token. Throws 401 for a token that is not valid. */
export function authenticate(request: IncomingMessage, adminToken: string, issuer: TokenIssuer): User {
  const header = request.headers.authorization;
  if (header === undefined) return anonymous;
  const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
  if (token === undefined) throw unauthorized();
  if (sameText(token, adminToken)) return admin;
  const claims = issuer.check(token);
  if (claims === undefined) throw unauthorized();
  const { namespace, serviceaccount } = claims['kubernetes.io'];
  return {
    name: claims.sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

/** The user that the request wants to act as (`Impersonate-User`, `Impersonate-Group`), or undefined. */
export function impersonated(request: IncomingMessage): User | undefined {
  const name = request.headers['impersonate-user'];
  if (typeof name !== 'string') return undefined;
  const groups = request.headersDistinct['impersonate-group'] ?? [];
  const account = /^system:serviceaccount:([^:]+):/.exec(name);
  const own = account === null ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`];
  return { name, groups: [...groups, ...own, 'system:authenticated'] };
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
