import type { IncomingMessage } from 'node:http';
import { StatusError } from '../errors/status-error.ts';
import type { Cluster, UserInfo } from '../kinds/cluster.ts';
import { serviceAccountGroups } from './authenticate.ts';
import { demand } from './authorize.ts';

/** The user that a request acts as, when its `Impersonate-…` headers ask for another and the real user may. Throws 403, 500. */
export function impersonate(cluster: Cluster, request: IncomingMessage, user: UserInfo): UserInfo {
  const { headersDistinct: headers } = request;
  const name = headers['impersonate-user']?.[0];
  const wantedGroups = (headers['impersonate-group'] ?? []).flatMap((value) => value.split(/,\s*/));
  const uid = headers['impersonate-uid']?.[0];
  const extra: Record<string, string[]> = {};
  for (const [header, values] of Object.entries(headers)) {
    if (header.startsWith('impersonate-extra-')) extra[decodeURIComponent(header.slice(18))] = values ?? [];
  }
  if (name === undefined || name === '') {
    if (wantedGroups.length === 0 && uid === undefined && Object.keys(extra).length === 0) return user;
    const message = 'Internal error occurred: requested impersonation without impersonating a user';
    throw new StatusError(500, 'InternalError', message);
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  if (account !== null) {
    demand(cluster, user, {
      verb: 'impersonate',
      group: '',
      resource: 'serviceaccounts',
      namespace: account[1] ?? '',
      name: account[2] ?? '',
    });
  } else demand(cluster, user, { verb: 'impersonate', group: '', resource: 'users', name });
  for (const one of wantedGroups)
    demand(cluster, user, { verb: 'impersonate', group: '', resource: 'groups', name: one });
  if (uid !== undefined) {
    demand(cluster, user, { verb: 'impersonate', group: 'authentication.k8s.io', resource: 'uids', name: uid });
  }
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) {
      demand(cluster, user, {
        verb: 'impersonate',
        group: 'authentication.k8s.io',
        resource: 'userextras',
        subresource: key,
        name: value,
      });
    }
  }
  const groups = wantedGroups.length === 0 && account !== null ? serviceAccountGroups(account[1] ?? '') : wantedGroups;
  const complete =
    groups.includes('system:authenticated') || name === 'system:anonymous'
      ? groups
      : [...groups, 'system:authenticated'];
  return { name, ...(uid !== undefined && { uid }), groups: complete, extra };
}
