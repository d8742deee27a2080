import { textAt } from '../base/json.ts';
import { groupOf, type KubeObject } from '../base/kube-object.ts';
import { compareBytes } from '../base/text.ts';

/** The order of kinds within a stage (spec/kustomization.md §8.1); kinds that are not listed come between, webhooks last. */
const ranked = [
  'CustomResourceDefinition',
  'Namespace',
  'ClusterRole',
  'ClusterClass',
  'RuntimeClass',
  'PriorityClass',
  'StorageClass',
  'VolumeSnapshotClass',
  'IngressClass',
  'GatewayClass',
  'ClusterRoleBinding',
  'ResourceQuota',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'Secret',
  'Service',
  'LimitRange',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];
const last = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

function rankOf(kind: string): number {
  const index = ranked.indexOf(kind);
  if (index >= 0) return index;
  const end = last.indexOf(kind);
  return end >= 0 ? ranked.length + 1 + end : ranked.length;
}

export interface Orderable {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
}

export function compareForApply(a: Orderable, b: Orderable): number {
  return (
    rankOf(a.kind) - rankOf(b.kind) ||
    compareBytes(groupOf(a.apiVersion), groupOf(b.apiVersion)) ||
    compareBytes(a.kind, b.kind) ||
    compareBytes(a.namespace ?? '', b.namespace ?? '') ||
    compareBytes(a.name, b.name)
  );
}

export function orderable({ apiVersion, kind, metadata }: KubeObject): Orderable {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name };
}

/** Objects that are applied together; the next stage starts when those of `awaited` ones are ready. */
export interface Stage {
  objects: KubeObject[];
  awaited: boolean;
}

const definitions = new Set([
  'apiextensions.k8s.io/CustomResourceDefinition',
  '/Namespace',
  'rbac.authorization.k8s.io/ClusterRole',
]);

/** Definitions and namespaces, then classes, then kinds that were asked for (`group/Kind`), then everything else. */
export function stagesOf(objects: readonly KubeObject[], customKinds: ReadonlySet<string> = new Set()): Stage[] {
  const stageOf = ({ apiVersion, kind }: KubeObject) => {
    const groupKind = `${groupOf(apiVersion)}/${kind}`;
    if (definitions.has(groupKind)) return 0;
    if (kind.endsWith('Class')) return 1;
    return customKinds.has(groupKind) ? 2 : 3;
  };
  return [0, 1, 2, 3]
    .map((stage) => ({
      objects: objects
        .filter((object) => stageOf(object) === stage)
        .sort((a, b) => compareForApply(orderable(a), orderable(b))),
      awaited: stage < 2,
    }))
    .filter((stage) => stage.objects.length > 0);
}

/** Tells which objects can only be placed once a definition or a namespace among `objects` is there. */
export function comesWith(objects: readonly KubeObject[]): (object: KubeObject) => boolean {
  const namespaces = new Set(objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
  const kinds = new Set(
    objects
      .filter(({ kind }) => kind === 'CustomResourceDefinition')
      .map((crd) => `${textAt(crd, 'spec', 'group')}/${textAt(crd, 'spec', 'names', 'kind')}`),
  );
  return ({ apiVersion, kind, metadata }) =>
    namespaces.has(metadata.namespace ?? '') || kinds.has(`${groupOf(apiVersion)}/${kind}`);
}
