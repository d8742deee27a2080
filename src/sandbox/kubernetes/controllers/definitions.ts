import { formatTime } from '../../../base/clock.ts';
import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { items, struct } from '../defaults/fields.ts';
import { customResources } from '../kinds/custom-resources.ts';
import type { Actor } from './actor.ts';
import type { Stand } from './control-loop.ts';

const storage = 'apiextensions.k8s.io/customresourcedefinitions';
const cleanup = 'customresourcecleanup.apiextensions.k8s.io';

/** Serves what CustomResourceDefinitions define, and reports it established; a part of the API server itself. */
export function definitionStand(actor: Actor): Stand {
  const { registry } = actor.cluster;
  const served = new Map<string, string>();
  return {
    storage,
    reconcile(definition, last) {
      const name = (definition ?? last)?.metadata.name ?? '';
      if (definition === undefined) {
        served.delete(name);
        registry.remove(name);
        return;
      }
      const spec = JSON.stringify(definition['spec']);
      if (served.get(name) !== spec) {
        served.set(name, spec);
        registry.set(name, customResources(definition));
      }
      if (definition.metadata.deletionTimestamp !== undefined) retire(actor, definition);
      else establish(actor, definition);
    },
  };
}

/** Serves the definitions that exist already, before the first request. */
export function serveDefinitions({ cluster }: Actor): void {
  for (const definition of cluster.store.list(storage)) {
    cluster.registry.set(definition.metadata.name, customResources(definition));
  }
}

/** The objects of a kind go before its definition. */
function retire(actor: Actor, definition: KubeObject): void {
  const group = String(valueAt(definition, 'spec', 'group'));
  const objects = `${group}/${String(valueAt(definition, 'spec', 'names', 'plural'))}`;
  for (const object of actor.cluster.store.list(objects)) {
    if (object.metadata.deletionTimestamp === undefined) actor.delete(objects, object);
  }
  if (actor.cluster.store.list(objects).length > 0) return;
  const finalizers = (definition.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanup);
  actor.patch(storage, definition, { metadata: { finalizers: finalizers.length === 0 ? null : finalizers } });
}

function establish(actor: Actor, definition: KubeObject): void {
  if (!definition.metadata.finalizers?.includes(cleanup)) {
    actor.patch(storage, definition, {
      metadata: { finalizers: [...(definition.metadata.finalizers ?? []), cleanup] },
    });
  }
  const names = struct(definition, 'spec', 'names') ?? {};
  const accepted = struct(definition, 'status', 'acceptedNames') ?? {};
  const stored = items(definition['spec'], 'versions').filter(({ storage: isStored }) => isStored === true);
  const versions = new Set([
    ...((valueAt(definition, 'status', 'storedVersions') ?? []) as string[]),
    ...stored.map((version) => String(version['name'])),
  ]);
  const known = (valueAt(definition, 'status', 'conditions') ?? []) as { type: string }[];
  if (known.length > 0 && JSON.stringify(accepted) === JSON.stringify(names) && sameVersions(definition, versions))
    return;
  const now = formatTime(actor.cluster.clock.now());
  const condition = (type: string, reason: string, message: string) =>
    known.find((one) => one.type === type) ?? { type, status: 'True', lastTransitionTime: now, reason, message };
  actor.setStatus(storage, definition, {
    acceptedNames: names,
    storedVersions: [...versions],
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
  });
}

function sameVersions(definition: KubeObject, versions: ReadonlySet<string>): boolean {
  const known = (valueAt(definition, 'status', 'storedVersions') ?? []) as string[];
  return known.length === versions.size;
}
