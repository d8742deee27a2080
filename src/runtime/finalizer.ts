import type { KubeObject } from '../base/kube-object.ts';
import type { CallOptions, KubeClient } from '../kube/client.ts';
import { isKubeReason } from '../kube/status-error.ts';
import { refOf } from './status-patch.ts';

/** Flux's finalizer, on every kind that leaves something behind (spec/source.md §2.5). */
export const finalizer = 'finalizers.fluxcd.io';

export function hasFinalizer(object: KubeObject, name = finalizer): boolean {
  return object.metadata.finalizers?.includes(name) ?? false;
}

export interface FinalizerOptions extends CallOptions {
  fieldManager: string;
  /** Default: Flux's. */
  finalizer?: string;
}

/**
 * Adds the finalizer; true when it had to be, and the object given shows it then. Throws KUBE_CONFLICT when the object
 * changed meanwhile: the list of finalizers is written as a whole, so it must be the one that was read.
 */
export async function addFinalizer(
  client: KubeClient,
  object: KubeObject,
  options: FinalizerOptions,
): Promise<boolean> {
  const { finalizer: name = finalizer } = options;
  if (hasFinalizer(object, name)) return false;
  await writeFinalizers(client, object, [...(object.metadata.finalizers ?? []), name], options);
  return true;
}

/** Removes the finalizer, last of all that a deletion has to do. An object that is gone already is fine. */
export async function removeFinalizer(
  client: KubeClient,
  object: KubeObject,
  options: FinalizerOptions,
): Promise<void> {
  const { finalizer: name = finalizer } = options;
  if (!hasFinalizer(object, name)) return;
  const others = (object.metadata.finalizers ?? []).filter((other) => other !== name);
  try {
    await writeFinalizers(client, object, others, options);
  } catch (error) {
    if (!isKubeReason(error, 'NotFound')) throw error;
  }
}

async function writeFinalizers(
  client: KubeClient,
  object: KubeObject,
  finalizers: string[],
  { signal, fieldManager }: FinalizerOptions,
): Promise<void> {
  const { resourceVersion } = object.metadata;
  const metadata = { finalizers, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  const written = await client.patch(refOf(object), 'merge', { metadata }, { signal, fieldManager });
  object.metadata.finalizers = written.metadata.finalizers ?? [];
  if (written.metadata.resourceVersion !== undefined)
    object.metadata.resourceVersion = written.metadata.resourceVersion;
}
