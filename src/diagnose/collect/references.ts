import { textAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';

/** Whether the reference at a path of one object names the other; without a namespace it means its own. */
export function refersTo(from: KubeObject, path: readonly string[], to: KubeObject): boolean {
  const namespace = textAt(from, ...path, 'namespace') ?? from.metadata.namespace;
  return textAt(from, ...path, 'name') === to.metadata.name && namespace === to.metadata.namespace;
}

/** Whether a Kustomization has applied an object, by the labels that it leaves. */
export function isMadeBy({ metadata }: KubeObject, build: KubeObject): boolean {
  return (
    metadata.labels?.['kustomize.toolkit.fluxcd.io/name'] === build.metadata.name &&
    metadata.labels?.['kustomize.toolkit.fluxcd.io/namespace'] === build.metadata.namespace
  );
}
