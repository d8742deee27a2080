import { Gauge, type Registry } from 'prom-client';
import { textAt, valueAt } from '../base/json.ts';
import { type KindRef, type KubeObject, keyOf } from '../base/kube-object.ts';
import { type Conditioned, getCondition } from './conditions.ts';

const labelNames = [
  'customresource_group',
  'customresource_version',
  'customresource_kind',
  'exported_namespace',
  'name',
  'ready',
  'suspended',
  'revision',
  'source_name',
  'url',
] as const;

/** A gauge that is 1 for each object, what is told being in the labels. */
export interface ResourceInfo {
  /** `list` is called when somebody scrapes. */
  add(kind: KindRef, list: () => Iterable<KubeObject>): void;
}

/**
 * The metric that Flux's dashboards are made from, with the labels that its configuration of kube-state-metrics gives it, so that
 * none is needed (spec/source.md §2.7).
 */
export function createResourceInfo(name: string, registry: Registry): ResourceInfo {
  const lists: { kind: KindRef; list: () => Iterable<KubeObject> }[] = [];
  new Gauge({
    name,
    help: 'The current state of a GitOps Toolkit resource.',
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { kind, list } of lists) for (const object of list()) this.set(infoOf(kind, object), 1);
    },
  });
  return { add: (kind, list) => void lists.push({ kind, list }) };
}

function infoOf({ apiVersion, kind }: KindRef, object: KubeObject): Record<string, string> {
  const [group = '', version = ''] = apiVersion.split('/');
  const { namespace, name } = keyOf(object);
  const labels = {
    customresource_group: group,
    customresource_version: version,
    customresource_kind: kind,
    exported_namespace: namespace,
    name,
    ready: readyOf(object),
    suspended: String(valueAt(object, 'spec', 'suspend') === true),
    revision: revisionOf(object),
    source_name: sourceOf(object),
    url: textAt(object, 'spec', 'url') ?? textAt(object, 'spec', 'image') ?? textAt(object, 'spec', 'endpoint'),
  };
  return Object.fromEntries(
    Object.entries(labels).filter((label): label is [string, string] => label[1] !== undefined),
  );
}

/** `True`, `False` or `Unknown`. */
export function readyOf(object: KubeObject): string {
  return getCondition(object as Conditioned, 'Ready')?.status ?? 'Unknown';
}

/** What an object stands at: of an artifact, what was applied or committed last, the image chosen. */
export function revisionOf(object: KubeObject): string | undefined {
  const status = (...path: string[]) => textAt(object, 'status', ...path);
  return (
    status('artifact', 'revision') ??
    status('lastAppliedRevision') ??
    status('lastPushCommit') ??
    status('latestRef', 'tag')
  );
}

/** Name of the object that another takes its content from. */
export function sourceOf(object: KubeObject): string | undefined {
  return textAt(object, 'spec', 'sourceRef', 'name') ?? textAt(object, 'spec', 'imageRepositoryRef', 'name');
}
