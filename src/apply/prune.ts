import { errorMessage, isMillraceError, MillraceError } from '../base/error.ts';
import { formatRef, type KubeObject, type ObjectKey } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { refOf } from './apply-objects.ts';
import type { Change } from './change-set.ts';
import { hasControl, isOwnedBy } from './controls.ts';
import { type InventoryEntry, refOfEntry } from './inventory.ts';
import { compareForApply } from './order.ts';

export interface PruneResult {
  changes: Change[];
  /** Entries whose deletion could not be confirmed; they stay in the inventory. */
  remaining: InventoryEntry[];
  failure: MillraceError | undefined;
}

/**
 * Deletes the objects of stale entries, last applied first. Only objects that carry the owner's labels and no protection are
 * deleted; what is gone, or of a kind that is no longer served, counts as deleted (spec/kustomization.md §9.2).
 */
export async function pruneEntries(
  entries: readonly InventoryEntry[],
  { client, owner, signal }: { client: KubeClient; owner: ObjectKey; signal: AbortSignal },
): Promise<PruneResult> {
  const result: PruneResult = { changes: [], remaining: [], failure: undefined };
  const faults: string[] = [];
  const refs = entries.flatMap((entry) => {
    const ref = refOfEntry(entry);
    return ref === undefined ? [] : [{ entry, ref }];
  });
  refs.sort((a, b) => compareForApply(b.ref, a.ref));
  for (const { entry, ref } of refs) {
    try {
      const live = await client.get(ref, { signal });
      if (live === undefined) continue;
      result.changes.push(await pruneObject(live, client, owner, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) continue;
      result.remaining.push(entry);
      faults.push(`${ref.kind}/${ref.namespace ?? ''}/${ref.name} delete failed: ${errorMessage(error)}`);
    }
  }
  if (faults.length > 0)
    result.failure = new MillraceError('PRUNE_FAILED', `delete failed, errors: ${faults.join('; ')}`);
  return result;
}

async function pruneObject(
  live: KubeObject,
  client: KubeClient,
  owner: ObjectKey,
  signal: AbortSignal,
): Promise<Change> {
  const isProtected =
    hasControl(live, 'prune', 'disabled') ||
    hasControl(live, 'reconcile', 'disabled') ||
    hasControl(live, 'ssa', 'ignore');
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
