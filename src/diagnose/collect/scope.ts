import { listAt, textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { isMadeBy } from './references.ts';

/** What an examination is confined to: a namespace, or one object, with everything that it depends on. */
export interface Scope {
  namespace?: string;
  /** Kind and name; the kind as it is written in manifests. */
  object?: { kind: string; name: string };
}

type ByKind = Readonly<Record<string, readonly KubeObject[]>>;

/** Whether an object is in the scope, or upstream of one that is: the cause of a fault is often in another namespace. */
export function scopeFilter(scope: Scope, objects: ByKind): (object: KubeObject) => boolean {
  if (scope.namespace === undefined && scope.object === undefined) return () => true;
  const all = Object.values(objects).flat();
  const wanted = new Set<string>();
  const pending = all.filter((object) => isNamed(object, scope));
  for (let object = pending.pop(); object !== undefined; object = pending.pop()) {
    if (wanted.has(formatRef(object))) continue;
    wanted.add(formatRef(object));
    pending.push(...upstreamOf(object, all));
  }
  return (object) => wanted.has(formatRef(object)) || isNamed(object, scope) || isPartOf(object, scope);
}

function isNamed({ kind, metadata }: KubeObject, { namespace, object }: Scope): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  return object === undefined || (kind === object.kind && metadata.name === object.name);
}

/** Pods and ReplicaSets are called after the workload that makes them. */
function isPartOf({ kind, metadata }: KubeObject, { namespace, object }: Scope): boolean {
  if (kind !== 'Pod' && kind !== 'ReplicaSet') return false;
  const isHere = namespace === undefined || metadata.namespace === namespace;
  return isHere && object !== undefined && metadata.name.startsWith(`${object.name}-`);
}

/** The objects that one names: sources, dependencies, repositories of policies; of an automation its policies, of a workload what applies it. */
function upstreamOf(object: KubeObject, all: readonly KubeObject[]): KubeObject[] {
  const named = referencesOf(object);
  return all.filter(
    (other) =>
      isMadeBy(object, other) ||
      named.some(({ kind, name, namespace }) => {
        const { metadata } = other;
        return kind === other.kind && name === metadata.name && namespace === metadata.namespace;
      }) ||
      (object.kind === 'ImageUpdateAutomation' &&
        other.kind === 'ImagePolicy' &&
        other.metadata.namespace === object.metadata.namespace),
  );
}

interface Reference {
  kind: string;
  name: string;
  namespace: string | undefined;
}

function referencesOf(object: KubeObject): Reference[] {
  const read = (value: unknown, kind: string): Reference[] => {
    const name = textAt(value, 'name');
    const namespace = textAt(value, 'namespace') ?? object.metadata.namespace;
    return name === undefined ? [] : [{ kind: textAt(value, 'kind') ?? kind, name, namespace }];
  };
  const [, chartNamespace, chartName] = /^([^/]+)\/(.+)$/.exec(textAt(object, 'status', 'helmChart') ?? '') ?? [];
  return [
    ...read(valueAt(object, 'spec', 'sourceRef'), 'GitRepository'),
    ...read(valueAt(object, 'spec', 'chartRef'), 'HelmChart'),
    ...read(valueAt(object, 'spec', 'chart', 'spec', 'sourceRef'), 'HelmRepository'),
    ...read(valueAt(object, 'spec', 'imageRepositoryRef'), 'ImageRepository'),
    ...listAt(object, 'spec', 'dependsOn').flatMap((one) => read(one, object.kind)),
    ...(chartName === undefined ? [] : [{ kind: 'HelmChart', name: chartName, namespace: chartNamespace }]),
  ];
}
