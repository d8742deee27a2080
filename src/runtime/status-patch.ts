import { deepEqual, isRecord } from '../base/json.ts';
import type { KubeObject, ObjectRef } from '../base/kube-object.ts';
import type { CallOptions, KubeClient } from '../kube/client.ts';
import { isKubeReason } from '../kube/status-error.ts';

/** Writes what a run changed of one object's status, as often as it has something to say. */
export interface StatusPatcher {
  /**
   * Sends the difference between `object.status` and what was last sent (a merge patch of the status subresource); nothing
   * where there is none. False where the object is gone by now.
   */
  patch(object: KubeObject, options: CallOptions): Promise<boolean>;
}

/** Starts from the object as it was read; `fieldManager` is the controller's name. */
export function createStatusPatcher(client: KubeClient, object: KubeObject, fieldManager: string): StatusPatcher {
  let sent = structuredClone(statusOf(object));
  return {
    async patch(current, { signal }) {
      const now = structuredClone(statusOf(current));
      const status = mergePatchOf(sent, now);
      if (status === undefined) return true;
      try {
        const { resourceVersion } = await client
          .patch(
            refOf(current),
            'merge',
            { status },
            {
              signal,
              fieldManager,
              subresource: 'status',
            },
          )
          .then(({ metadata }) => metadata);
        if (resourceVersion !== undefined) current.metadata.resourceVersion = resourceVersion;
      } catch (error) {
        if (isKubeReason(error, 'NotFound')) return false;
        throw error;
      }
      sent = now;
      return true;
    },
  };
}

export function refOf(object: KubeObject): ObjectRef {
  const { namespace, name } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** The RFC 7386 patch from one record to another; undefined where they are equal. Lists are replaced as a whole. */
export function mergePatchOf(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const from = before[key];
    const to = after[key];
    if (deepEqual(from, to)) continue;
    if (to === undefined) patch[key] = null;
    else if (isRecord(from) && isRecord(to)) patch[key] = mergePatchOf(from, to) ?? {};
    else patch[key] = to;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function statusOf(object: KubeObject): Record<string, unknown> {
  return isRecord(object['status']) ? object['status'] : {};
}
