import type { KubeObject } from '../../../base/kube-object.ts';
import type { Resource } from '../kinds/resource.ts';
import type { ListPage } from '../verbs/list.ts';

/** The list object of a page. Items of built-in lists do not repeat their type. */
export function listBody(resource: Resource, page: ListPage): Record<string, unknown> {
  const items = resource.behaviour.custom ? page.items : page.items.map(({ kind: _, apiVersion: __, ...item }) => item);
  return { kind: resource.listKind, apiVersion: resource.apiVersion, metadata: listMetadata(page), items };
}

export function listMetadata(page: ListPage): Record<string, unknown> {
  const { resourceVersion, remainingItemCount } = page;
  return {
    resourceVersion,
    ...(page.continue !== undefined && { continue: page.continue }),
    ...(remainingItemCount !== undefined && { remainingItemCount }),
  };
}

/** An object reduced to its metadata, `meta.k8s.io/v1 PartialObjectMetadata`. */
export function partialObject({ metadata }: KubeObject): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

export function partialList(page: ListPage): Record<string, unknown> {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMetadata(page),
    items: page.items.map(({ metadata }) => ({ metadata })),
  };
}
