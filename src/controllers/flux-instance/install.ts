import type { FluxInstance } from '../../api/flux-instance.ts';
import { instanceGroup } from '../../api/flux-instance.ts';
import { ApplyFailure, applyObjects, refOf } from '../../apply/apply-objects.ts';
import type { Change } from '../../apply/change-set.ts';
import { createControls } from '../../apply/controls.ts';
import { entryOf, type InventoryEntry, staleEntries, unionOfEntries } from '../../apply/inventory.ts';
import { pruneEntries } from '../../apply/prune.ts';
import { formatFailure, type HealthReport, unhealthyOf } from '../../apply/wait.ts';
import { sleep, withDeadline } from '../../base/deadline.ts';
import { MillraceError } from '../../base/error.ts';
import { isRecord, valueAt } from '../../base/json.ts';
import { type KubeObject, keyOf } from '../../base/kube-object.ts';
import type { StatusPatcher } from '../../runtime/status-patch.ts';
import { durationOf } from './annotations.ts';
import { type FluxInstanceDeps, operatorName } from './deps.ts';

const controls = createControls(instanceGroup);
/** Whose fields are taken over, beside kubectl's (spec/instance.md §6). */
const formerManagers = ['kustomize-controller', 'helm'];
const pollMs = 1000;
const defaultTimeoutMs = 5 * 60_000;

export interface InstallFacts {
  object: FluxInstance;
  objects: readonly KubeObject[];
  patcher: StatusPatcher;
  deps: FluxInstanceDeps;
  signal: AbortSignal;
}

/**
 * Applies the objects of an instance and deletes those that it no longer has. Everything that was or is about to be applied
 * is in the inventory before it is. Throws ApplyFailure and PRUNE_FAILED.
 */
export async function install({ object, objects, patcher, deps, signal }: InstallFacts): Promise<Change[]> {
  const { client } = deps;
  const before = object.status?.inventory?.entries ?? [];
  const wanted = objects.map(entryOf);
  await remember(unionOfEntries(before, wanted));
  let changes: Change[];
  try {
    const options = { client, manager: operatorName, force: false, overrideManagers: formerManagers, controls, signal };
    changes = await applyObjects(objects, options);
  } catch (error) {
    if (error instanceof ApplyFailure) {
      await remember(
        unionOfEntries(
          before,
          error.changes.map((change) => entryOf(change.object)),
        ),
      );
    }
    throw error;
  }
  const pruned = await pruneEntries(staleEntries(before, wanted), { client, owner: keyOf(object), controls, signal });
  await remember([...wanted, ...pruned.remaining]);
  if (pruned.failure !== undefined) throw pruned.failure;
  return [...changes, ...pruned.changes];

  async function remember(entries: InventoryEntry[]): Promise<void> {
    object.status = { ...object.status, inventory: { entries } };
    await patcher.patch(object, { signal });
  }
}

/**
 * Waits until everything is healthy, the synchronised source and Kustomization included. Returns false when `superseded` aborted
 * first. Throws INSTALL_UNHEALTHY with what is not, and what Flux's own objects say.
 */
export async function waitUntilHealthy(
  { object, objects, deps, signal }: InstallFacts,
  superseded: AbortSignal,
): Promise<boolean> {
  const { client } = deps;
  let unhealthy: HealthReport[] = [];
  try {
    return await withDeadline(
      signal,
      durationOf(object, 'reconcileTimeout', defaultTimeoutMs),
      'health',
      async (inner) => {
        for (;;) {
          unhealthy = await unhealthyOf(objects.map(refOf), { client, signal: inner });
          if (unhealthy.length === 0) return true;
          await sleep(pollMs, AbortSignal.any([inner, superseded])).catch(() => {});
          inner.throwIfAborted();
          if (superseded.aborted) return false;
        }
      },
    );
  } catch (cause) {
    signal.throwIfAborted();
    if (unhealthy.length === 0) throw cause;
    const said = await Promise.all(unhealthy.map((report) => readyMessage(report)));
    const message = [formatFailure(unhealthy), ...said.filter((line) => line !== '')].join('\n');
    throw new MillraceError('INSTALL_UNHEALTHY', message, { cause });
  }

  async function readyMessage({ ref }: HealthReport): Promise<string> {
    if (!ref.apiVersion.includes('.toolkit.fluxcd.io/')) return '';
    const live = await client.get(ref, { signal }).catch(() => undefined);
    const conditions = valueAt(live, 'status', 'conditions');
    const ready = Array.isArray(conditions)
      ? conditions.find((one) => isRecord(one) && one['type'] === 'Ready')
      : undefined;
    return ready === undefined ? '' : `${ref.kind}/${ref.namespace}/${ref.name} status: ${ready.message}`;
  }
}
