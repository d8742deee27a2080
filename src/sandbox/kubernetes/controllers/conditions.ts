import { formatTime } from '../../../base/clock.ts';
import { isRecord, textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';

/** Pieces that the statuses of several workloads are made of. */

export function numberAt(object: unknown, ...path: string[]): number {
  const value = valueAt(object, ...path);
  return typeof value === 'number' ? value : 0;
}

/** Only the counts that are not zero: the others are left out by the API's types. */
export function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

export function conditionsOf(object: unknown): Record<string, unknown>[] {
  const conditions = valueAt(object, 'status', 'conditions');
  return Array.isArray(conditions) ? conditions.filter(isRecord) : [];
}

export function conditionOf(object: unknown, type: string): Record<string, unknown> | undefined {
  return conditionsOf(object).find((condition) => condition['type'] === type);
}

export function holds(object: unknown, type: string): boolean {
  return conditionOf(object, type)?.['status'] === 'True';
}

/** A condition that keeps its times as long as it says the same. */
export function condition(
  object: KubeObject,
  now: number,
  type: string,
  isTrue: boolean,
  reason: string,
  message: string,
): Record<string, unknown> {
  const status = isTrue ? 'True' : 'False';
  const old = conditionOf(object, type);
  const time = formatTime(now);
  const same = textAt(old, 'status') === status;
  return {
    type,
    status,
    lastUpdateTime: same && textAt(old, 'reason') === reason ? (textAt(old, 'lastUpdateTime') ?? time) : time,
    lastTransitionTime: same ? (textAt(old, 'lastTransitionTime') ?? time) : time,
    reason,
    message,
  };
}
