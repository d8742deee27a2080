import type { ObjectRef } from '../base/kube-object.ts';
import type { ApiResource } from './client.ts';
import { versionPath } from './discovery.ts';

export type Query = Record<string, string | number | boolean | undefined>;

/** `/apis/<group>/<version>[/namespaces/<ns>]/<plural>`. */
export function collectionPath(resource: ApiResource, namespace: string | undefined): string {
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${versionPath(resource.apiVersion)}${scope}/${resource.plural}`;
}

export function objectPath(
  resource: ApiResource,
  ref: Pick<ObjectRef, 'namespace' | 'name'>,
  subresource?: string,
): string {
  const path = `${collectionPath(resource, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** The path with the parameters that are set; false counts as not set. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== false && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
