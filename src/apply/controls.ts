import type { KubeObject, ObjectKey } from '../base/kube-object.ts';

/** The labels and annotations by which an owner marks its objects and is told to leave some alone. */
export interface Controls {
  /** True where a label or annotation of the object has one of the values, without regard to case. */
  has(object: KubeObject | undefined, name: string, ...values: string[]): boolean;
  isOwnedBy(object: KubeObject, owner: ObjectKey): boolean;
}

export function createControls(domain: string): Controls {
  return {
    has(object, name, ...values) {
      const key = `${domain}/${name}`;
      const given = [object?.metadata.labels?.[key], object?.metadata.annotations?.[key]];
      return given.some((value) => value !== undefined && values.includes(value.toLowerCase()));
    },
    isOwnedBy({ metadata }, owner) {
      const labels = metadata.labels ?? {};
      return labels[`${domain}/name`] === owner.name && labels[`${domain}/namespace`] === owner.namespace;
    },
  };
}

const domain = 'kustomize.toolkit.fluxcd.io';

export const ownerNameLabel = `${domain}/name`;
export const ownerNamespaceLabel = `${domain}/namespace`;

/** Those of Kustomizations (spec/kustomization.md §8.4). */
export const kustomizeControls = createControls(domain);

export const hasControl = kustomizeControls.has;
