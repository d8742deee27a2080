import { isRecord } from '../base/json.ts';
import { groupOf, versionOf } from '../base/kube-object.ts';
import { compareBytes } from '../base/text.ts';
import type { Resource } from './resource.ts';

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

/** The `legacy` order: by kind, what others need first; then by group, version, kind, namespace and name. */
export function sortLegacy(resources: readonly Resource[], options: unknown): Resource[] {
  const lists = isRecord(options) ? options : {};
  const texts = (field: string, fallback: readonly string[]) =>
    Array.isArray(lists[field]) ? lists[field].map(String) : fallback;
  const first = texts('orderFirst', defaultFirst);
  const last = texts('orderLast', defaultLast);
  const rank = (kind: string) => {
    const early = first.indexOf(kind);
    if (early >= 0) return early - first.length;
    return last.indexOf(kind) + 1;
  };
  const keyed = resources.map((resource) => ({ resource, rank: rank(resource.object.kind), key: sortKey(resource) }));
  keyed.sort((a, b) => a.rank - b.rank || compareKeys(a.key, b.key));
  return keyed.map(({ resource }) => resource);
}

function sortKey({ object }: Resource): string[] {
  const { apiVersion, kind, metadata } = object;
  const or = (text: string | undefined, missing: string) => (text === undefined || text === '' ? missing : text);
  const gvk = [or(versionOf(apiVersion), '~V'), or(groupOf(apiVersion), '~G')];
  return [
    [or(groupOf(apiVersion), '~G'), gvk[0] ?? '', kind].join('_'),
    or(metadata.namespace, '~X'),
    or(metadata.name, '~N'),
  ];
}

function compareKeys(left: readonly string[], right: readonly string[]): number {
  for (const [index, part] of left.entries()) {
    const order = compareBytes(part, right[index] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}
