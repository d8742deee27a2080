import type { KubeObject } from '../../base/kube-object.ts';
import { served } from './object-api.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import type { Selector } from './selectors.ts';
import { ApiFailure, badRequest } from './status.ts';
import { type ObjectStore, storePrefix } from './store.ts';

export interface ListRequest {
  resource: Resource;
  namespace: string | undefined;
  selects: Selector;
  limit: number;
  continueToken: string;
}

export interface ListPage {
  items: KubeObject[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

/** One page of a list, in the order of namespace and name. */
export function listPage(store: ObjectStore, request: ListRequest): ListPage {
  const { resource, namespace, selects, limit } = request;
  const all = store.list(storePrefix(resource), namespace).filter(selects);
  const token = request.continueToken === '' ? undefined : decodeToken(request.continueToken);
  const start = token === undefined ? 0 : all.findIndex((object) => placeOf(object) > token.after);
  const rest = start < 0 ? [] : all.slice(start);
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const resourceVersion = token?.resourceVersion ?? String(store.resourceVersion);
  const last = items.at(-1);
  const remaining = rest.length - items.length;
  return {
    items: items.map((item) => served(resource, item)),
    metadata: {
      resourceVersion,
      ...(remaining === 0 || last === undefined
        ? {}
        : { continue: encodeToken(resourceVersion, placeOf(last)), remainingItemCount: remaining }),
    },
  };
}

export function listObject(resource: Resource, { items, metadata }: ListPage): Record<string, unknown> {
  return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items };
}

function placeOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function encodeToken(resourceVersion: string, after: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: Number(resourceVersion), start: after })).toString(
    'base64url',
  );
}

function decodeToken(token: string): { resourceVersion: string; after: string } {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (typeof start === 'string' && Number.isInteger(rv)) return { resourceVersion: String(rv), after: start };
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
  }
  throw badRequest(`continue key is not valid: invalid character in continue token`);
}
