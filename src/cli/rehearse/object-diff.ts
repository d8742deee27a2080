import { refOfEntry } from '../../apply/inventory.ts';
import { isRecord, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { printDocument } from '../../yaml/print.ts';
import { unifiedDiff } from './unified-diff.ts';

/** An object that the delivery makes, changes or removes. */
export interface ObjectChange {
  object: string;
  action: 'created' | 'configured' | 'deleted';
  /** Unified diff of its YAML, without what the API server keeps for itself. Values of Secrets are not in it. */
  diff: string;
}

/** Everything that Kustomizations have applied, by `Kind/namespace/name`, as text to compare. */
export type Applied = ReadonlyMap<string, string>;

/** Reads every object of the inventories. */
export async function readApplied(
  kustomizations: readonly KubeObject[],
  kube: KubeClient,
  signal: AbortSignal,
): Promise<Applied> {
  const refs = kustomizations.flatMap((one) => {
    const entries = valueAt(one, 'status', 'inventory', 'entries');
    return Array.isArray(entries) ? entries.flatMap((entry) => refOfEntry(entry) ?? []) : [];
  });
  const applied = new Map<string, string>();
  const queue = refs.values();
  const reader = async () => {
    for (const ref of queue) {
      const object = await kube.get(ref, { signal });
      if (object !== undefined) applied.set(formatRef(object), printDocument(comparable(object)));
    }
  };
  await Promise.all(Array.from({ length: 8 }, reader));
  return applied;
}

/** The object without what its delivery does not decide. */
function comparable({ status: _, metadata, ...rest }: KubeObject): unknown {
  const { name, namespace, labels, annotations = {} } = metadata;
  const kept = Object.fromEntries(
    Object.entries(annotations).filter(([key]) => !/deployment\.kubernetes\.io\/|reconcile\.fluxcd\.io\//.test(key)),
  );
  const own = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(labels !== undefined && { labels }),
    ...(Object.keys(kept).length > 0 && { annotations: kept }),
  };
  const { apiVersion, kind, ...fields } = rest;
  return { apiVersion, kind, metadata: own, ...(kind === 'Secret' ? hidden(fields) : fields) };
}

/** That a Secret changed may be known, not how. */
function hidden(fields: Record<string, unknown>): Record<string, unknown> {
  const hide = (value: unknown) =>
    isRecord(value) ? Object.fromEntries(Object.keys(value).map((key) => [key, '(not shown)'])) : value;
  return { ...fields, ...('data' in fields && { data: hide(fields['data']) }) };
}

export function compareApplied(before: Applied, after: Applied): ObjectChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((object): ObjectChange[] => {
    const [old, now] = [before.get(object), after.get(object)];
    if (old === now) return [];
    const action = old === undefined ? 'created' : now === undefined ? 'deleted' : 'configured';
    return [{ object, action, diff: unifiedDiff(old ?? '', now ?? '') }];
  });
}
