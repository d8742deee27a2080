import { isMillraceError } from '../base/error.ts';
import type { KubeObject, ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';

export function refOf({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): ObjectRef {
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** The object as the cluster has it; undefined where it is missing, or its kind is not served yet. */
export async function liveObject(
  object: KubeObject,
  kube: KubeClient,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  return kube.get(refOf(object), { signal }).catch((error: unknown) => {
    if (isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) return undefined;
    throw error;
  });
}
