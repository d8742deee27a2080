import { formatTime } from '../../../base/clock.ts';
import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { invalidValue, unsupported } from '../errors/field-error.ts';
import { badRequest, invalid, notFound } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { TokenIssuer, TokenSubject } from './token-issuer.ts';

const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
const shortestSeconds = 600;
const longestSeconds = 2 ** 32;
const defaultSeconds = 3600;

/** `POST …/serviceaccounts/NAME/token`: a signed token for the account. Throws 404, 422. */
export function requestToken(
  cluster: Cluster,
  issuer: TokenIssuer,
  issuerUrl: string,
  namespace: string,
  name: string,
  body: unknown,
): KubeObject {
  if (!isRecord(body)) throw badRequest('TokenRequest in version "v1" cannot be handled as a TokenRequest');
  const account = cluster.store.get('/serviceaccounts', namespace, name);
  if (account === undefined) throw notFound({ group: '', resource: 'serviceaccounts' }, name);
  const given = valueAt(body, 'metadata', 'name');
  if (given && given !== name)
    throw badRequest(`the name in the URL (${name}) does not match the name in the object (${String(given)})`);
  const spec = isRecord(body['spec']) ? body['spec'] : {};
  const seconds = Number(spec['expirationSeconds'] ?? defaultSeconds);
  if (seconds < shortestSeconds) {
    throw invalid(kind, '', [
      invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes'),
    ]);
  }
  if (seconds > longestSeconds) {
    throw invalid(kind, '', [
      invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds'),
    ]);
  }
  const wanted = Array.isArray(spec['audiences']) ? spec['audiences'].map(String) : [];
  const audiences = wanted.length === 0 ? [issuerUrl] : wanted;
  const subject: TokenSubject = {
    namespace,
    serviceAccount: { name, uid: account.metadata.uid ?? '' },
    ...boundTo(cluster, namespace, name, spec['boundObjectRef']),
  };
  const now = cluster.clock.now();
  const issued = issuer.issue(subject, audiences, issuerUrl, seconds, now);
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: formatTime(now) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec['boundObjectRef'] ?? null },
    status: { token: issued.token, expirationTimestamp: formatTime(issued.expiresAt) },
  };
}

const bindable: Readonly<Record<string, { storage: string; resource: string }>> = {
  Pod: { storage: '/pods', resource: 'pods' },
  Secret: { storage: '/secrets', resource: 'secrets' },
  Node: { storage: '/nodes', resource: 'nodes' },
};

function boundTo(cluster: Cluster, namespace: string, account: string, ref: unknown): Partial<TokenSubject> {
  if (!isRecord(ref)) return {};
  const refKind = String(ref['kind']);
  const known = bindable[refKind];
  if (known === undefined)
    throw invalid(kind, '', [unsupported('spec.boundObjectRef.kind', refKind, Object.keys(bindable))]);
  const name = String(ref['name']);
  const object = cluster.store.get(known.storage, refKind === 'Node' ? '' : namespace, name);
  if (object === undefined) throw notFound({ group: '', resource: known.resource }, name);
  const { uid = '' } = object.metadata;
  if (ref['uid'] && ref['uid'] !== uid) {
    throw invalid(kind, '', [
      invalidValue(
        'spec.boundObjectRef.uid',
        ref['uid'],
        `the UID in the bound object reference (${String(ref['uid'])}) does not match the UID in record. The object might have been deleted and then recreated`,
      ),
    ]);
  }
  const owner = valueAt(object, 'spec', 'serviceAccountName');
  if (refKind === 'Pod' && owner !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    );
  }
  return { [refKind.toLowerCase()]: { name, uid } };
}
