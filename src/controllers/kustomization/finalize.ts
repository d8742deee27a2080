import type { Kustomization } from '../../api/kustomization.ts';
import { formatChanges } from '../../apply/change-set.ts';
import { type InventoryEntry, refOfEntry } from '../../apply/inventory.ts';
import { formatEntry, pruneEntries } from '../../apply/prune.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { keyOf, type ObjectRef } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { emit, type Run, timeoutMs } from './run.ts';
import { impersonatedAccount } from './target.ts';

/** Objects that were deleted and are not gone yet; clock time in milliseconds. */
export interface TerminationWait {
  refs: ObjectRef[];
  uids: ReadonlySet<string>;
  deadlineMs: number;
  pollMs: number;
}

const firstPollMs = 100;
const longestPollMs = 2_000;

/**
 * Deletes what the Kustomization has applied, as its deletion policy says (spec/kustomization.md §9.4). Gives the time after
 * which to look again, in milliseconds, where terminations are waited for; undefined when the finalizer may go. Throws where
 * something could not be deleted, so that it is tried again.
 */
export async function finalizeKustomization(run: Run): Promise<number | undefined> {
  const { id, object, deps, memory, signal, clock } = run;
  const entries = object.status?.inventory?.entries ?? [];
  if (!deletesObjects(object) || entries.length === 0) return undefined;
  const account = impersonatedAccount(object, deps);
  if (account !== undefined && !(await exists(deps.client, account, signal))) {
    emit(run, 'Warning', `unable to prune objects: \n${entries.map(formatEntry).join('\n')}`, lastApplied(object));
    return undefined;
  }
  const client = await connect(run);
  let wait = memory.terminations.get(id);
  if (wait === undefined) {
    const uids = await deleteEntries(run, client, entries);
    if (object.spec.deletionPolicy !== 'WaitForTermination' || uids.size === 0) return undefined;
    const refs = entries.flatMap((entry) => refOfEntry(entry) ?? []);
    wait = { refs, uids, deadlineMs: clock.now() + timeoutMs(object), pollMs: firstPollMs };
    memory.terminations.set(id, wait);
  }
  wait.refs = await stillThere(wait, client, signal);
  if (wait.refs.length === 0) return undefined;
  if (clock.now() < wait.deadlineMs) {
    wait.pollMs = Math.min(longestPollMs, wait.pollMs * 1.5);
    return wait.pollMs;
  }
  run.logger.warn(`failed to wait for resources termination: ${wait.refs.length} objects are still there`);
  emit(run, 'Warning', 'failed to wait for resources termination', lastApplied(object));
  return undefined;
}

function lastApplied({ status }: Kustomization) {
  return { revision: status?.lastAppliedRevision, originRevision: status?.lastAppliedOriginRevision };
}

/** The uids of what was deleted. */
async function deleteEntries(run: Run, client: KubeClient, entries: readonly InventoryEntry[]): Promise<Set<string>> {
  const { object, signal } = run;
  const { changes, failure } = await pruneEntries(entries, { client, owner: keyOf(object), signal });
  if (failure !== undefined) {
    emit(run, 'Warning', 'pruning for deleted resource failed', lastApplied(object));
    throw failure;
  }
  const text = formatChanges(changes);
  if (text !== '') emit(run, 'Normal', text, lastApplied(object));
  const deleted = changes.filter(({ action }) => action === 'deleted');
  return new Set(deleted.map((change) => change.object.metadata.uid ?? ''));
}

async function stillThere(
  { refs, uids }: TerminationWait,
  client: KubeClient,
  signal: AbortSignal,
): Promise<ObjectRef[]> {
  const left: ObjectRef[] = [];
  for (const ref of refs) {
    try {
      const live = await client.get(ref, { signal });
      if (live !== undefined && uids.has(live.metadata.uid ?? '')) left.push(ref);
    } catch (error) {
      signal.throwIfAborted();
      // The definition of its kind went before it.
      if (!isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) left.push(ref);
    }
  }
  return left;
}

function deletesObjects({ spec }: Kustomization): boolean {
  if (spec.suspend === true) return false;
  switch (spec.deletionPolicy) {
    case 'Delete':
    case 'WaitForTermination':
      return true;
    case 'Orphan':
      return false;
    default:
      return spec.prune;
  }
}

/** Looked up in this cluster, for other clusters too, as Flux does. */
async function exists(client: KubeClient, account: { namespace: string; name: string }, signal: AbortSignal) {
  return (await client.get({ apiVersion: 'v1', kind: 'ServiceAccount', ...account }, { signal })) !== undefined;
}

async function connect(run: Run): Promise<KubeClient> {
  try {
    return await run.memory.targets.clientOf(run.object, run.signal);
  } catch (error) {
    run.signal.throwIfAborted();
    const hint = 'Suspend it, or set spec.deletionPolicy to Orphan, to let it go without deleting what it applied.';
    emit(run, 'Warning', `pruning for deleted resource failed: ${errorMessage(error)}. ${hint}`);
    throw error;
  }
}
