import type { KubeObject, ObjectKey } from '../base/kube-object.ts';

const domain = 'kustomize.toolkit.fluxcd.io';

export const ownerNameLabel = `${domain}/name`;
export const ownerNamespaceLabel = `${domain}/namespace`;

/** True where a label or annotation of the object has one of the values, without regard to case (spec/kustomization.md §8.4). */
export function hasControl(object: KubeObject | undefined, name: string, ...values: string[]): boolean {
  const key = `${domain}/${name}`;
  const given = [object?.metadata.labels?.[key], object?.metadata.annotations?.[key]];
  return given.some((value) => value !== undefined && values.includes(value.toLowerCase()));
}

export function isOwnedBy(object: KubeObject, owner: ObjectKey): boolean {
  const labels = object.metadata.labels ?? {};
  return labels[ownerNameLabel] === owner.name && labels[ownerNamespaceLabel] === owner.namespace;
}
