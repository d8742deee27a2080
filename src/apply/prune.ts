import { errorMessage, isMillraceError, MillraceError } from '../base/error.ts';
import { formatRef, type KubeObject, type ObjectKey } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { isTransient } from '../kube/status-error.ts';
import { refOf } from './apply-objects.ts';
import type { Change } from './change-set.ts';
import { type Controls, kustomizeControls } from './controls.ts';
import { type InventoryEntry, refOfEntry } from './inventory.ts';
import { compareForApply } from './order.ts';

export interface PruneResult {
  changes: Change[];
  /** Entries whose deletion could not be confirmed; they stay in the inventory. */
  remaining: InventoryEntry[];
  failure: MillraceError | undefined;
}

export interface PruneOptions {
  client: KubeClient;
  owner: ObjectKey;
  /** uids of the objects that were applied just now. */
  applied?: ReadonlySet<string>;
  /** Marks of ownership and protection. Default: those of Kustomizations. */
  controls?: Controls;
  signal: AbortSignal;
}

/**
 * Deletes the objects of stale entries, last applied first. Only objects that carry the owner's labels and no protection are
 * deleted; what is gone, or of a kind that is no longer served, counts as deleted (spec/kustomization.md §9.2). An object may be
 * known under two entries (another API group, a namespace that a cluster-scoped kind drops): what `applied` names by its uid
 * is in use and stays.
 */
export async function pruneEntries(entries: readonly InventoryEntry[], options: PruneOptions): Promise<PruneResult> {
  const { client, applied, signal } = options;
  const result: PruneResult = { changes: [], remaining: [], failure: undefined };
  const faults: { message: string; error: unknown }[] = [];
  const refs = entries.flatMap((entry) => {
    const ref = refOfEntry(entry);
    return ref === undefined ? [] : [{ entry, ref }];
  });
  refs.sort((a, b) => compareForApply(b.ref, a.ref));
  let isUnreachable = false;
  for (const { entry, ref } of refs) {
    if (isUnreachable) {
      result.remaining.push(entry);
      continue;
    }
    try {
      const live = await client.get(ref, { signal });
      if (live === undefined || applied?.has(live.metadata.uid ?? '')) continue;
      result.changes.push(await pruneObject(live, options));
    } catch (error) {
      signal.throwIfAborted();
      if (isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) continue;
      result.remaining.push(entry);
      // A server that does not answer would be waited for once for every object.
      isUnreachable = isMillraceError(error, 'HTTP_UNREACHABLE', 'DEADLINE_EXCEEDED');
      faults.push({ message: `${formatEntry(entry)} delete failed: ${errorMessage(error)}`, error });
    }
  }
  if (faults.length === 0) return result;
  const { error: cause } = faults.find(({ error }) => isTransient(error)) ?? faults[0] ?? {};
  const text = faults.map(({ message }) => `${message};`).join(' ');
  return { ...result, failure: new MillraceError('PRUNE_FAILED', `delete failed, errors: ${text}`, { cause }) };
}

async function pruneObject(
  live: KubeObject,
  { client, owner, controls: { has, isOwnedBy } = kustomizeControls, signal }: PruneOptions,
): Promise<Change> {
  const isProtected =
    has(live, 'prune', 'disabled') || has(live, 'reconcile', 'disabled') || has(live, 'ssa', 'ignore');
  if (!isOwnedBy(live, owner) || isProtected) return { object: live, action: 'skipped' };
  const uid = live.metadata.uid;
  await client.delete(refOf(live), { propagation: 'Background', signal, ...(uid === undefined ? {} : { uid }) });
  return { object: live, action: 'deleted' };
}

export function formatEntry(entry: InventoryEntry): string {
  const ref = refOfEntry(entry);
  if (ref === undefined) return entry.id;
  const { name, namespace, kind, apiVersion } = ref;
  return formatRef({ apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } });
}
