import type { Kustomization } from '../../api/kustomization.ts';
import { formatChanges } from '../../apply/change-set.ts';
import { type InventoryEntry, refOfEntry } from '../../apply/inventory.ts';
import { formatEntry, pruneEntries } from '../../apply/prune.ts';
import { isAbortError, sleep, withDeadline } from '../../base/deadline.ts';
import { errorMessage } from '../../base/error.ts';
import { keyOf } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { emit, type Run, timeoutMs } from './run.ts';
import { impersonatedAccount } from './target.ts';

const terminationPollMs = 2_000;

/**
 * Deletes what the Kustomization has applied, as its deletion policy says; the finalizer may go afterwards
 * (spec/kustomization.md §9.4). Throws where something could not be deleted, so that it is tried again.
 */
export async function finalizeKustomization(run: Run): Promise<void> {
  const { object, deps, signal } = run;
  const entries = object.status?.inventory?.entries ?? [];
  if (!deletesObjects(object) || entries.length === 0) return;
  const facts = {
    revision: object.status?.lastAppliedRevision,
    originRevision: object.status?.lastAppliedOriginRevision,
  };
  const account = impersonatedAccount(object, deps);
  if (account !== undefined && !(await exists(deps.client, account, signal))) {
    emit(run, 'Warning', `unable to prune objects: \n${entries.map(formatEntry).join('\n')}`, facts);
    return;
  }
  const client = await connect(run);
  const { changes, failure } = await pruneEntries(entries, { client, owner: keyOf(object), signal });
  if (failure !== undefined) {
    emit(run, 'Warning', 'pruning for deleted resource failed', facts);
    throw failure;
  }
  const text = formatChanges(changes);
  if (text !== '') emit(run, 'Normal', text, facts);
  if (object.spec.deletionPolicy !== 'WaitForTermination') return;
  const deleted = new Set(
    changes.filter(({ action }) => action === 'deleted').map((change) => change.object.metadata.uid),
  );
  try {
    await waitForTermination(client, entries, deleted, timeoutMs(object), signal);
  } catch (error) {
    signal.throwIfAborted();
    run.logger.warn(`failed to wait for resources termination: ${errorMessage(error)}`);
    emit(run, 'Warning', 'failed to wait for resources termination', facts);
  }
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
    return await run.targets.clientOf(run.object, run.signal);
  } catch (error) {
    run.signal.throwIfAborted();
    const hint = 'Suspend it, or set spec.deletionPolicy to Orphan, to let it go without deleting what it applied.';
    emit(run, 'Warning', `pruning for deleted resource failed: ${errorMessage(error)}. ${hint}`);
    throw error;
  }
}

async function waitForTermination(
  client: KubeClient,
  entries: readonly InventoryEntry[],
  deleted: ReadonlySet<string | undefined>,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  await withDeadline(signal, ms, 'termination', async (inner) => {
    let refs = entries.flatMap((entry) => refOfEntry(entry) ?? []);
    for (let pollMs = 100; ; pollMs = Math.min(terminationPollMs, pollMs * 2)) {
      const left: typeof refs = [];
      for (const ref of refs) {
        const live = await client.get(ref, { signal: inner }).catch((error: unknown) => {
          if (isAbortError(error) || inner.aborted) throw error;
          return undefined;
        });
        if (live !== undefined && deleted.has(live.metadata.uid)) left.push(ref);
      }
      refs = left;
      if (refs.length === 0) return;
      await sleep(pollMs, inner);
    }
  });
}
