import type { Kustomization } from '../../api/kustomization.ts';
import { getCondition } from '../../runtime/conditions.ts';
import type { KustomizationDeps } from './deps.ts';
import { KustomizationFault } from './fault.ts';
import { sourceKey } from './source.ts';

/** Waits for nothing: throws DependencyNotReady for the first dependency that is not as it should be (spec/kustomization.md §3). */
export async function requireDependencies(
  object: Kustomization,
  revision: string,
  { client }: KustomizationDeps,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, namespace = object.metadata.namespace ?? '' } of object.spec.dependsOn ?? []) {
    const fault = (what: string) =>
      new KustomizationFault('DependencyNotReady', `dependency '${namespace}/${name}' ${what}`, 'wait');
    const ref = { apiVersion: object.apiVersion, kind: object.kind, namespace, name };
    const dependency = await client.get<Kustomization>(ref, { signal });
    if (dependency === undefined) throw fault('not found');
    if (!isSettled(dependency)) throw fault('is not ready');
    if (sharesSource(object, dependency) && dependency.status?.lastAppliedRevision !== revision) {
      throw fault('revision is not up to date');
    }
  }
}

function isSettled(dependency: Kustomization): boolean {
  const isObserved = dependency.status?.observedGeneration === dependency.metadata.generation;
  return isObserved && getCondition(dependency, 'Ready')?.status === 'True';
}

function sharesSource(a: Kustomization, b: Kustomization): boolean {
  const [x, y] = [sourceKey(a), sourceKey(b)];
  return x.kind === y.kind && x.name === y.name && x.namespace === y.namespace;
}
