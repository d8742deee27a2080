import type { FluxInstance } from '../../api/flux-instance.ts';
import { instanceGroup } from '../../api/flux-instance.ts';
import { createControls } from '../../apply/controls.ts';
import { type InventoryEntry, refOfEntry } from '../../apply/inventory.ts';
import { formatEntry, pruneEntries } from '../../apply/prune.ts';
import { sleep, withDeadline } from '../../base/deadline.ts';
import { errorMessage } from '../../base/error.ts';
import { valueAt } from '../../base/json.ts';
import { keyOf } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import { isDisabled } from './annotations.ts';
import { type FluxInstanceDeps, operatorName } from './deps.ts';

const patienceMs = 5 * 60_000;

/**
 * Removes what an instance has installed: Deployments first, so that nobody acts on what follows; then the finalizers of every
 * object of Flux's kinds, so that workloads stay; then the rest, definitions included (spec/instance.md §7). Never throws for
 * what could not be removed: that is told in the log and in an event, and the instance goes all the same.
 */
export async function uninstall(
  object: FluxInstance,
  deps: FluxInstanceDeps,
  { signal, logger }: { signal: AbortSignal; logger: Logger },
): Promise<void> {
  const entries = object.status?.inventory?.entries ?? [];
  if (isDisabled(object) || entries.length === 0) return;
  const { client, events } = deps;
  const left: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      left.push(`${what}: ${errorMessage(error)}`);
    }
  };
  const remove = async (some: readonly InventoryEntry[]) => {
    const result = await pruneEntries(some, {
      client,
      owner: keyOf(object),
      controls: createControls(instanceGroup),
      signal,
    });
    if (result.failure !== undefined) throw result.failure;
  };
  const ofKind = (kind: string) => entries.filter((entry) => refOfEntry(entry)?.kind === kind);

  const deployments = ofKind('Deployment');
  await attempt('Deployments', async () => {
    await remove(deployments);
    await untilGone(deployments);
  });
  for (const entry of ofKind('CustomResourceDefinition')) {
    await attempt(`finalizers of ${formatEntry(entry)}`, () => releaseObjects(entry));
  }
  await attempt('objects', () => remove(entries.filter((entry) => !deployments.includes(entry))));
  await attempt('CustomResourceDefinitions', () => untilGone(ofKind('CustomResourceDefinition')));
  if (left.length === 0) return;
  logger.error('the uninstallation left something behind', { left });
  events.event(object, 'Warning', 'UninstallIncomplete', `left behind: ${left.join('; ')}`);

  async function untilGone(some: readonly InventoryEntry[]): Promise<void> {
    const refs = some.map(refOfEntry).filter((ref) => ref !== undefined);
    await withDeadline(signal, patienceMs, 'deletion', async (inner) => {
      for (const ref of refs) while ((await client.get(ref, { signal: inner })) !== undefined) await sleep(200, inner);
    });
  }

  async function releaseObjects(entry: InventoryEntry): Promise<void> {
    const ref = refOfEntry(entry);
    const crd = ref && (await client.get(ref, { signal }));
    const versions = valueAt(crd, 'spec', 'versions');
    if (crd === undefined || !Array.isArray(versions)) return;
    const kind = {
      apiVersion: `${valueAt(crd, 'spec', 'group')}/${versions[0].name}`,
      kind: String(valueAt(crd, 'spec', 'names', 'kind')),
    };
    for (const { metadata } of (await client.list(kind, { signal })).items) {
      if ((metadata.finalizers ?? []).length === 0) continue;
      const { name, namespace } = metadata;
      const target = { ...kind, name, ...(namespace !== undefined && { namespace }) };
      await client.patch(target, 'merge', { metadata: { finalizers: null } }, { fieldManager: operatorName, signal });
    }
  }
}
