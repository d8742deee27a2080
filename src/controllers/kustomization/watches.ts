import type { Kustomization } from '../../api/kustomization.ts';
import { formatKey, type KindRef, type KubeObject, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { getCondition, hasStatus } from '../../runtime/conditions.ts';
import type { Change, Indexes, ObjectCache, Watch } from '../../runtime/controller.ts';
import { artifactOf, sourceKey } from './source.ts';

/** What Kustomizations refer to, so that changes of it find them. */
export const kustomizationIndexes: Indexes = {
  source: (object) => [sourceId(sourceKey(object as Kustomization))],
  dependency: (object) => dependenciesOf(object as Kustomization).map(formatKey),
  config: (object) => configsOf(object as Kustomization),
};

function sourceId({ kind, ...key }: ObjectKey & { kind: string }): string {
  return `${kind}/${formatKey(key)}`;
}

function dependenciesOf({ spec, metadata }: Kustomization): ObjectKey[] {
  return (spec.dependsOn ?? []).map(({ name, namespace }) => ({
    name,
    namespace: namespace || (metadata.namespace ?? ''),
  }));
}

/** `Secret/namespace/name` of everything that a run reads besides its source. */
function configsOf({ spec, metadata }: Kustomization): string[] {
  const ids = (spec.postBuild?.substituteFrom ?? []).map(({ kind, name }) => [kind, name]);
  const { secretRef, configMapRef } = spec.kubeConfig ?? {};
  if (secretRef !== undefined) ids.push(['Secret', secretRef.name]);
  if (configMapRef !== undefined) ids.push(['ConfigMap', configMapRef.name]);
  if (spec.decryption?.secretRef !== undefined) ids.push(['Secret', spec.decryption.secretRef.name]);
  return ids.map(([kind, name]) => `${kind}/${metadata.namespace}/${name}`);
}

/**
 * A source with another revision wakes who builds from it, unless that revision is being worked on already: dependencies
 * before dependants. Nobody is woken by a cycle of dependencies.
 */
export function sourceWatch(kind: KindRef): Watch {
  return {
    kind,
    wakes: ({ before, after }: Change, own: ObjectCache) => {
      const revision = artifactOf(after)?.revision;
      if (after === undefined || revision === undefined || artifactOf(before)?.revision === revision) return [];
      const users = own.by('source', sourceId({ kind: kind.kind, ...keyOf(after) })) as Kustomization[];
      return inOrderOfDependencies(users.filter((user) => !isAt(user, revision))).map(keyOf);
    },
  };
}

function isAt(user: Kustomization, revision: string): boolean {
  const isBusyOrDone = hasStatus(user, 'Ready', 'True') || getCondition(user, 'Reconciling')?.reason === 'Progressing';
  return isBusyOrDone && user.status?.lastAttemptedRevision === revision;
}

/** Sorted so that each comes after those it depends on; what is part of a cycle is left out. */
export function inOrderOfDependencies(objects: readonly Kustomization[]): Kustomization[] {
  const byKey = new Map(objects.map((object) => [formatKey(keyOf(object)), object]));
  const state = new Map<string, 'visiting' | 'placed' | 'cyclic'>();
  const sorted: Kustomization[] = [];
  const visit = (id: string): boolean => {
    const object = byKey.get(id);
    if (object === undefined) return true;
    const known = state.get(id);
    if (known !== undefined) return known === 'placed';
    state.set(id, 'visiting');
    const isFree = dependenciesOf(object)
      .map((key) => visit(formatKey(key)))
      .every(Boolean);
    state.set(id, isFree ? 'placed' : 'cyclic');
    if (isFree) sorted.push(object);
    return isFree;
  };
  for (const id of byKey.keys()) visit(id);
  return sorted;
}

/**
 * A dependency that became ready, or ready at another revision, wakes at once who waits for it; one that is judged by an
 * expression does with every change. Flux polls every half minute. `isWaiting` tells who waits, by `namespace/name`.
 */
export function dependencyWatch(kind: KindRef, isWaiting: (id: string) => boolean): Watch {
  const stateOf = (object: KubeObject | undefined) => {
    const dependency = object as Kustomization | undefined;
    if (dependency === undefined) return '';
    const ready = getCondition(dependency, 'Ready')?.status;
    return [ready, dependency.status?.lastAppliedRevision, dependency.status?.observedGeneration].join(' ');
  };
  return {
    kind,
    wakes: ({ before, after }: Change, own: ObjectCache) => {
      if (after === undefined) return [];
      const id = formatKey(keyOf(after));
      const isNews = hasStatus(after, 'Ready', 'True') && stateOf(before) !== stateOf(after);
      const waiting = own.by('dependency', id).filter((dependant) => isWaiting(formatKey(keyOf(dependant))));
      return (waiting as Kustomization[]).filter((dependant) => isNews || isJudged(dependant, id)).map(keyOf);
    },
  };
}

/** Whether an expression decides on the readiness of a dependency. */
function isJudged({ spec, metadata }: Kustomization, dependency: string): boolean {
  return (spec.dependsOn ?? []).some(
    ({ name, namespace, readyExpr }) =>
      readyExpr !== undefined &&
      readyExpr !== '' &&
      formatKey({ name, namespace: namespace || (metadata.namespace ?? '') }) === dependency,
  );
}

/** A ConfigMap or Secret that was changed or deleted wakes who reads it. */
export function configWatch(kind: 'ConfigMap' | 'Secret', labelSelector: string): Watch {
  return {
    kind: { apiVersion: 'v1', kind },
    labelSelector,
    wakes: ({ before, after }: Change, own: ObjectCache) => {
      const changed = after ?? before;
      if (changed === undefined) return [];
      return own.by('config', `${kind}/${formatKey(keyOf(changed))}`).map(keyOf);
    },
  };
}
