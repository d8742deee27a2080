import type { Clock } from '../base/clock.ts';
import type { Condition } from '../base/kube-object.ts';
import { type Conditioned, getCondition, setCondition } from './conditions.ts';

export interface SummaryRules {
  /** Condition types in order of precedence: the first that fails decides `Ready`. */
  order: readonly string[];
  /** Those of them that are bad news when True, and absent otherwise. */
  abnormalTrue: readonly string[];
  /** Positive ones whose failure wins over everything else, as that of `SourceVerified` does. */
  overriding?: readonly string[];
}

/**
 * Computes `Ready` from the other conditions (spec/source.md §2.3): the first failing one makes it False, else the first
 * Unknown one makes it Unknown, else the first true positive one makes it True, with that one's reason and message.
 * Without any of them `Ready` is left as it is.
 */
export function summariseReady(object: Conditioned, rules: SummaryRules, clock?: Clock): void {
  const decisive = decisiveCondition(object, rules);
  if (decisive === undefined) return;
  const { status, condition } = decisive;
  const { reason, message } = condition;
  setCondition(object, { type: 'Ready', status, reason, message }, clock);
}

function decisiveCondition(
  object: Conditioned,
  { order, abnormalTrue, overriding = [] }: SummaryRules,
): { status: Condition['status']; condition: Condition } | undefined {
  const present = (types: readonly string[]) =>
    types.map((type) => getCondition(object, type)).filter((condition) => condition !== undefined);
  const isAbnormal = ({ type }: Condition) => abnormalTrue.includes(type);
  const isFailing = (condition: Condition) => condition.status === (isAbnormal(condition) ? 'True' : 'False');

  const inOrder = present(order);
  const failing = present(overriding).find(isFailing) ?? inOrder.find(isFailing);
  if (failing !== undefined) return { status: 'False', condition: failing };
  const unknown = inOrder.find(({ status }) => status === 'Unknown');
  if (unknown !== undefined) return { status: 'Unknown', condition: unknown };
  const good = inOrder.find((condition) => !isAbnormal(condition) && condition.status === 'True');
  return good === undefined ? undefined : { status: 'True', condition: good };
}
