import { listAt, textAt } from '../base/json.ts';
import { formatRef, type KubeObject, type ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { controllerObjects } from './controller-objects.ts';
import type { Installation } from './installation.ts';
import { liveObject, refOf } from './live-object.ts';
import { hasMadeByLabel } from './made-by.ts';
import type { Step } from './plan.ts';

/**
 * ServiceAccounts and rights that the other topology had and this one has no use for: a controller that is gone keeps none. Only what
 * provisioning made goes, and of cluster-wide rights only those of this namespace's ServiceAccounts.
 */
export async function planOtherTopology(
  { namespace, topology = 'single', fluxInstance }: Installation,
  wanted: readonly KubeObject[],
  kube: KubeClient,
  signal: AbortSignal,
): Promise<Step[]> {
  if (fluxInstance !== undefined) return [];
  const kept = new Set(wanted.map(formatRef));
  const others = controllerObjects(namespace, topology === 'single' ? 'split' : 'single', {});
  const leftover = new Map<string, { ref: ObjectRef; live: KubeObject }>();
  for (const object of others.filter((other) => !kept.has(formatRef(other)))) {
    const live = await liveObject(object, kube, signal);
    if (live !== undefined && hasMadeByLabel(live.metadata.labels))
      leftover.set(formatRef(object), { ref: refOf(object), live });
  }
  const isOfNamespace = (binding: KubeObject | undefined) =>
    listAt(binding, 'subjects').every((subject) => textAt(subject, 'namespace') === namespace);
  return [...leftover.entries()]
    .filter(([, { live }]) => {
      // A role has the name of its binding.
      const binding = leftover.get(`ClusterRoleBinding/${live.metadata.name}`)?.live;
      return !live.kind.startsWith('ClusterRole') || (binding !== undefined && isOfNamespace(binding));
    })
    .map(([what, { ref, live }]) => {
      const { uid } = live.metadata;
      const run = () => kube.delete(ref, { signal, ...(uid === undefined ? {} : { uid }) }).then(() => {});
      return { action: 'delete', what: `${what}: of the other topology`, run };
    });
}
