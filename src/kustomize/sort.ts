import { compareBytes } from '../base/text.ts';
import { buildError } from './build-error.ts';
import type { Resource } from './resource.ts';
import type { GroupVersionKind, ResourceId } from './resource-id.ts';

const defaultFirst = [
  'Namespace',
  'ResourceQuota',
  'StorageClass',
  'CustomResourceDefinition',
  'ServiceAccount',
  'PodSecurityPolicy',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'ConfigMap',
  'Secret',
  'Endpoints',
  'Service',
  'LimitRange',
  'PriorityClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];
const defaultLast = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

/** `sortOptions` of a kustomization file. */
export interface SortOptions {
  order?: string;
  legacySortOptions?: { orderFirst?: readonly string[]; orderLast?: readonly string[] };
}

/**
 * The resources in the order asked for: `fifo` is the order they came in; `legacy`, which is also the default without
 * `sortOptions`, is by kind, what others need first. Throws KUSTOMIZE_BUILD_FAILED for options that make no sense.
 */
export function sortResources(
  resources: readonly Resource[],
  options: SortOptions | undefined,
  where: string,
): readonly Resource[] {
  if (options === undefined) return sortLegacy(resources, defaultRank);
  const { order, legacySortOptions } = options;
  if (order === 'fifo') {
    if (legacySortOptions === undefined) return resources;
    throw buildError(where, "'sortOptions.legacySortOptions' is set, but the order is fifo, not legacy");
  }
  if (order !== 'legacy') throw buildError(where, `'sortOptions.order' should be fifo or legacy, not '${order ?? ''}'`);
  if (legacySortOptions === undefined) return sortLegacy(resources, defaultRank);
  return sortLegacy(resources, rankBy(legacySortOptions.orderFirst ?? [], legacySortOptions.orderLast ?? []));
}

type Rank = (kind: string) => number;

function rankBy(first: readonly string[], last: readonly string[]): Rank {
  return (kind) => {
    const late = last.lastIndexOf(kind);
    if (late >= 0) return late + 1;
    const early = first.lastIndexOf(kind);
    return early < 0 ? 0 : early - first.length;
  };
}

const defaultRank = rankBy(defaultFirst, defaultLast);

function sortLegacy(resources: readonly Resource[], rank: Rank): Resource[] {
  const keyed = resources.map((resource) => {
    const { id } = resource;
    return { resource, rank: rank(id.kind), id, gvk: gvkText(id), text: nameText(id) };
  });
  keyed.sort((a, b) => {
    if (a.rank !== b.rank) return a.rank - b.rank;
    const byKind = compareBytes(a.gvk, b.gvk);
    if (byKind === 0) return compareBytes(a.text, b.text);
    const isCoreNamespace =
      a.id.kind === 'Namespace' && b.id.kind === 'Namespace' && (a.id.group === '' || b.id.group === '');
    return isCoreNamespace ? -byKind : byKind;
  });
  return keyed.map(({ resource }) => resource);
}

/** The order of kinds in configurations. */
export function compareGvks(left: GroupVersionKind, right: GroupVersionKind): number {
  return defaultRank(left.kind) - defaultRank(right.kind) || compareBytes(gvkText(left), gvkText(right));
}

const or = (text: string, missing: string) => (text === '' ? missing : text);

function gvkText({ group, version, kind }: GroupVersionKind): string {
  return `${or(group, '~G')}_${or(version, '~V')}_${or(kind, '~K')}`;
}

function nameText({ name, namespace }: ResourceId): string {
  return `${or(namespace, '~X')}|${or(name, '~N')}`;
}
