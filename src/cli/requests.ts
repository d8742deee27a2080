import { sleep } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import type { KubeObject, ObjectKey, ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { getCondition, hasStatus } from '../runtime/conditions.ts';
import { requestedAt, requestedAtAnnotation } from '../runtime/request.ts';
import { type FluxKind, read, servedKind } from './flux-kinds.ts';

/** The object of a kind that the cluster serves. Throws KUBE_KIND_NOT_SERVED and KUBE_NOT_FOUND. */
export async function findObject(
  client: KubeClient,
  kind: FluxKind,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<KubeObject> {
  const newest = { apiVersion: kind.apiVersions[0] ?? '', kind: kind.kind };
  const served = (await servedKind(client, kind, { signal })) ?? newest;
  const object = await client.get({ ...served, ...key }, { signal });
  if (object !== undefined) return object;
  throw new MillraceError('KUBE_NOT_FOUND', `${kind.kind}/${key.name} does not exist in namespace ${key.namespace}`, {
    hint: `millrace get ${kind.plural} -A shows where objects of the kind are.`,
    retry: 'never',
  });
}

/** Asks for a run by the annotation that every Flux controller listens to. */
export function requestReconcile(client: KubeClient, ref: ObjectRef, signal: AbortSignal): Promise<KubeObject> {
  const metadata = { annotations: { [requestedAtAnnotation]: new Date().toISOString() } };
  return client.patch(ref, 'merge', { metadata }, { signal, fieldManager: 'millrace' });
}

const pollMs = 250;

/** Waits for the end of the run that was asked for; with ImagePolicies, which do not say, for nothing. */
export async function waitUntilHandled(
  client: KubeClient,
  ref: ObjectRef,
  requested: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  if (ref.kind === 'ImagePolicy') return;
  const token = requestedAt(requested);
  await poll(client, ref, signal, (object) => read(object, 'status', 'lastHandledReconcileAt') === token);
}

/**
 * Waits until the present generation is ready (kstatus: neither being reconciled nor stalled). Throws OBJECT_NOT_READY with
 * the condition's message when it failed.
 */
export async function waitUntilReady(client: KubeClient, ref: ObjectRef, signal: AbortSignal): Promise<KubeObject> {
  const object = await poll(client, ref, signal, isSettled);
  const ready = getCondition(object, 'Ready');
  if (ready?.status === 'True') return object;
  throw new MillraceError(
    'OBJECT_NOT_READY',
    `${ref.kind}/${ref.name} is not ready: ${ready?.message ?? 'no status yet'}`,
    {
      hint: `millrace events --for ${ref.kind}/${ref.name} shows what happened.`,
    },
  );
}

function isSettled(object: KubeObject): boolean {
  const observed = read(object, 'status', 'observedGeneration');
  const { generation } = object.metadata;
  const ready = getCondition(object, 'Ready');
  if (hasStatus(object, 'Stalled', 'True') || ready?.status === 'False') return true;
  if (hasStatus(object, 'Reconciling', 'True')) return false;
  return ready?.status === 'True' && (observed === undefined || generation === undefined || observed === generation);
}

async function poll(
  client: KubeClient,
  ref: ObjectRef,
  signal: AbortSignal,
  isDone: (object: KubeObject) => boolean,
): Promise<KubeObject> {
  for (;;) {
    const object = await client.get(ref, { signal });
    if (object === undefined)
      throw new MillraceError('KUBE_NOT_FOUND', `${ref.kind}/${ref.name} was deleted meanwhile`);
    if (isDone(object)) return object;
    await sleep(pollMs, signal);
  }
}
