import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { forbidden } from '../errors/status-error.ts';
import type { AdmissionRequest } from '../kinds/cluster.ts';
import { quantityOf, quantityText } from '../schema/quantity.ts';
import type { Store } from '../storage/store.ts';

/** Amounts by resource name, in billionths. */
type Amounts = Readonly<Record<string, bigint>>;

const one = 1_000_000_000n;
const countedByName = new Map([
  ['pods', '/pods'],
  ['services', '/services'],
  ['configmaps', '/configmaps'],
  ['secrets', '/secrets'],
  ['persistentvolumeclaims', '/persistentvolumeclaims'],
  ['replicationcontrollers', '/replicationcontrollers'],
  ['resourcequotas', '/resourcequotas'],
]);
const computeName = /^(?:(requests|limits)\.)?(cpu|memory|ephemeral-storage)$/;

/**
 * Refuses an object that would take its namespace past a ResourceQuota: counts of objects, and what pods request and may use.
 * As in Kubernetes only quotas count whose status somebody has filled in; those with scopes are passed over.
 */
export function resourceQuota(
  store: Store,
  { operation, resource, object, namespace, name, subresource }: AdmissionRequest,
): void {
  if (operation !== 'CREATE' || subresource !== '' || object === undefined || namespace === '') return;
  for (const quota of store.list('/resourcequotas', namespace)) {
    const hard = valueAt(quota, 'status', 'hard');
    if (!isRecord(hard) || isScoped(quota)) continue;
    const limits = amounts(hard);
    const requested = takenBy(resource.storage, object, Object.keys(limits));
    const refuse = (why: string) => forbidden({ group: resource.group, resource: resource.plural }, name, why);
    const unsaid = resource.storage === '/pods' ? computeUnsaid(object, Object.keys(limits)) : [];
    if (unsaid.length > 0) throw refuse(`failed quota: ${quota.metadata.name}: must specify ${unsaid.join('; ')}`);
    const used = usage(store, namespace, Object.keys(requested));
    const exceeded = Object.keys(requested)
      .filter((key) => (used[key] ?? 0n) + (requested[key] ?? 0n) > (limits[key] ?? 0n))
      .sort();
    if (exceeded.length === 0) continue;
    const shown = (of: Amounts) => exceeded.map((key) => `${key}=${quantityText(of[key] ?? 0n, key)}`).join(',');
    throw refuse(
      `exceeded quota: ${quota.metadata.name}, requested: ${shown(requested)}, used: ${shown(used)}, limited: ${shown(limits)}`,
    );
  }
}

/** What a namespace uses of the named resources, as a quota's status shows it. */
export function quotaUsage(store: Store, namespace: string, names: readonly string[]): Record<string, string> {
  const used = usage(store, namespace, names);
  return Object.fromEntries(names.map((name) => [name, quantityText(used[name] ?? 0n, name)]));
}

export function isScoped(quota: KubeObject): boolean {
  return valueAt(quota, 'spec', 'scopes') !== undefined || valueAt(quota, 'spec', 'scopeSelector') !== undefined;
}

function amounts(hard: Record<string, unknown>): Amounts {
  return Object.fromEntries(Object.entries(hard).map(([name, value]) => [name, quantityOf(value)]));
}

function usage(store: Store, namespace: string, names: readonly string[]): Amounts {
  const total: Record<string, bigint> = {};
  for (const storage of new Set(names.map(storageOf))) {
    if (storage === undefined) continue;
    for (const object of store.list(storage, namespace)) {
      for (const [name, amount] of Object.entries(takenBy(storage, object, names)))
        total[name] = (total[name] ?? 0n) + amount;
    }
  }
  return total;
}

/** Where the objects are kept that a resource name of a quota counts. */
function storageOf(name: string): string | undefined {
  if (computeName.test(name)) return '/pods';
  if (name.startsWith('services.')) return '/services';
  const counted = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
  return counted === null ? countedByName.get(name) : `${counted[2] ?? ''}/${counted[1]}`;
}

function takenBy(storage: string, object: KubeObject, names: readonly string[]): Amounts {
  const phase = valueAt(object, 'status', 'phase');
  const isOver = storage === '/pods' && (phase === 'Succeeded' || phase === 'Failed');
  const taken: Record<string, bigint> = {};
  for (const name of names) {
    if (storageOf(name) !== storage || (isOver && !name.startsWith('count/'))) continue;
    const compute = computeName.exec(name);
    if (compute !== null) taken[name] = computeOf(object, compute[1] ?? 'requests', compute[2] ?? '');
    else if (name === 'services.nodeports') taken[name] = isOfType(object, 'NodePort', 'LoadBalancer') ? one : 0n;
    else if (name === 'services.loadbalancers') taken[name] = isOfType(object, 'LoadBalancer') ? one : 0n;
    else taken[name] = one;
  }
  return taken;
}

function isOfType(service: KubeObject, ...types: readonly unknown[]): boolean {
  return types.includes(valueAt(service, 'spec', 'type'));
}

function containersOf(pod: KubeObject, field: 'containers' | 'initContainers'): Record<string, unknown>[] {
  const list = valueAt(pod, 'spec', field);
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

/** The sum over the containers, or the largest init container where that is more. */
function computeOf(pod: KubeObject, side: string, resource: string): bigint {
  const of = (container: Record<string, unknown>) => quantityOf(valueAt(container, 'resources', side, resource));
  const sum = containersOf(pod, 'containers').reduce((total, container) => total + of(container), 0n);
  return containersOf(pod, 'initContainers').reduce(
    (most, container) => (of(container) > most ? of(container) : most),
    sum,
  );
}

/** `limits.cpu for: main`: what a quota counts and containers leave unsaid. */
function computeUnsaid(pod: KubeObject, names: readonly string[]): string[] {
  const faults: string[] = [];
  for (const name of [...names].sort()) {
    const compute = computeName.exec(name);
    if (compute === null || compute[2] === 'ephemeral-storage') continue;
    const silent = containersOf(pod, 'containers').filter(
      (container) => valueAt(container, 'resources', compute[1] ?? 'requests', compute[2] ?? '') === undefined,
    );
    if (silent.length > 0) faults.push(`${name} for: ${silent.map((container) => container['name']).join(',')}`);
  }
  return faults;
}
