import { errorMessage } from '../base/error.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { isKubeReason, kubeStatusOf } from '../kube/status-error.ts';
import { hasControl } from './controls.ts';

const immutableText =
  /immutable|cannot change roleRef|may not change|updates to statefulset spec for fields other than|pod updates may not change fields|can not be changed|cannot be changed/i;

/**
 * Whether the server refuses a change for the sole reason that a field may not change. An ordinary validation error is
 * none, nor is one beside it: they would delete the live object and then fail to make the new one
 * (spec/kustomization.md §8.5, fluxcd/kustomize-controller issue 734).
 */
export function isImmutableError(error: unknown): boolean {
  if (!isKubeReason(error, 'Invalid', 'Forbidden', 'Conflict', 'BadRequest')) return false;
  const status = kubeStatusOf(error);
  const causes = (status?.details?.causes ?? []).map(({ message = '' }) => message);
  const texts = causes.length > 0 ? causes : [status?.message ?? errorMessage(error)];
  return texts.every((text) => immutableText.test(text));
}

/** Kinds whose deletion takes data or other objects with it: recreated only where the object itself asks for it. */
const precious = new Set(['PersistentVolumeClaim', 'PersistentVolume', 'Namespace', 'CustomResourceDefinition']);

/** Whether an object may be deleted and made anew. `force` is what the whole Kustomization says. */
export function mayRecreate(desired: KubeObject, live: KubeObject, force: boolean): boolean {
  if (hasControl(desired, 'force', 'enabled') || hasControl(live, 'force', 'enabled')) return true;
  return force && !precious.has(desired.kind);
}
