import type { HelmRepository } from '../../api/helm-repository.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { markStalled, setCondition } from '../../runtime/conditions.ts';
import { type Controller, done } from '../../runtime/controller.ts';
import { removeFinalizer } from '../../runtime/finalizer.ts';
import { requestedAt } from '../../runtime/request.ts';
import { createStatusPatcher } from '../../runtime/status-patch.ts';
import { type SourceStatus, sourceApiVersion, sourceControllerName } from '../source/source-object.ts';

/** Kinds of Flux's source controller that Millrace knows and does not serve, with what to do instead. */
const kinds = {
  HelmRepository: 'use an OCIRepository for charts in a registry, or let Flux run the source and helm controllers',
  HelmChart: 'render the chart into the repository, or let Flux run the source and helm controllers',
} as const;

export interface UnservedDeps {
  client: KubeClient;
  clock?: Clock;
}

/**
 * Says on every object of a kind that nobody serves it, rather than leaving it to wait without a word. It leaves nothing
 * behind, so objects get no finalizer.
 */
export function createUnservedController(kind: keyof typeof kinds, deps: UnservedDeps): Controller {
  const { client, clock = systemClock } = deps;
  const message = `objects of kind ${kind} are not served by this controller; ${kinds[kind]}`;
  return {
    name: sourceControllerName,
    kind: { apiVersion: sourceApiVersion, kind },
    concurrency: 1,
    async reconcile(key, { signal }) {
      const ref = { apiVersion: sourceApiVersion, kind, ...key };
      const object = await client.get<KubeObject & { status?: SourceStatus }>(ref, { signal });
      if (object === undefined) return done;
      if (object.metadata.deletionTimestamp !== undefined) {
        // From the time when Flux served it: nobody else is there to let it go.
        await removeFinalizer(client, object, { signal, fieldManager: sourceControllerName });
        return done;
      }
      if (isLeftAlone(object)) return done;
      const patcher = createStatusPatcher(client, object, sourceControllerName);
      setCondition(object, { type: 'Ready', status: 'False', reason: 'KindNotServed', message }, clock);
      markStalled(object, 'KindNotServed', message, clock);
      const token = requestedAt(object);
      object.status = {
        ...object.status,
        observedGeneration: object.metadata.generation ?? 0,
        ...(token === undefined ? {} : { lastHandledReconcileAt: token }),
      };
      await patcher.patch(object, { signal });
      return done;
    },
  };
}

/**
 * Suspended objects wait for nobody. Repositories of type `oci` are data only: Flux sets no condition on them either, and tools
 * take them for ready (spec/source.md §7).
 */
function isLeftAlone(object: KubeObject): boolean {
  if (valueAt(object, 'spec', 'suspend') === true) return true;
  return object.kind === 'HelmRepository' && (object as HelmRepository).spec.type === 'oci';
}
