import { textAt, valueAt } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';

export interface SeenCondition {
  status: string;
  reason: string;
  message: string;
  /** RFC 3339. */
  since: string | undefined;
}

/** A condition of an object as it stands in its status; '' for fields that are not there. */
export function conditionOf(object: KubeObject, type: string): SeenCondition | undefined {
  const conditions = valueAt(object, 'status', 'conditions');
  const found = Array.isArray(conditions) ? conditions.find((one) => textAt(one, 'type') === type) : undefined;
  if (found === undefined) return undefined;
  return {
    status: textAt(found, 'status') ?? '',
    reason: textAt(found, 'reason') ?? '',
    message: textAt(found, 'message') ?? '',
    since: textAt(found, 'lastTransitionTime'),
  };
}
