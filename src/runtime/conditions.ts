import { type Clock, formatTime, systemClock } from '../base/clock.ts';
import type { Condition, KubeObject } from '../base/kube-object.ts';

/** An object whose status carries conditions, as all of Flux's kinds do. */
export type Conditioned = KubeObject & { status?: { conditions?: Condition[] } };

export type ConditionStatus = Condition['status'];

/** What a condition says; generation and time are filled in when it is set. */
export interface ConditionInput {
  type: string;
  status: ConditionStatus;
  reason: string;
  message: string;
}

const longestMessage = 32_768;

export function getCondition(object: Conditioned, type: string): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type);
}

export function hasStatus(object: Conditioned, type: string, status: ConditionStatus): boolean {
  return getCondition(object, type)?.status === status;
}

/** True when `Ready` is True for the present generation of the object. */
export function isReady(object: Conditioned): boolean {
  const ready = getCondition(object, 'Ready');
  const { generation } = object.metadata;
  const seen = ready?.observedGeneration;
  return ready?.status === 'True' && (seen === undefined || generation === undefined || seen === generation);
}

/**
 * Sets a condition of the object in place (spec/source.md §2.3): it carries the object's generation, keeps its transition
 * time unless its status changes, and its message is cut at 32,768 characters.
 */
export function setCondition(object: Conditioned, input: ConditionInput, clock: Clock = systemClock): void {
  const before = getCondition(object, input.type);
  const { generation } = object.metadata;
  const condition: Condition = {
    type: input.type,
    status: input.status,
    reason: input.reason,
    message: input.message.slice(0, longestMessage),
    lastTransitionTime: before?.status === input.status ? before.lastTransitionTime : formatTime(clock.now()),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  const others = (object.status?.conditions ?? []).filter(({ type }) => type !== input.type);
  writeConditions(object, [...others, condition].sort(byRank));
}

/** Removes conditions: what an abnormal-true one becomes when it is no longer true. */
export function removeConditions(object: Conditioned, ...types: string[]): void {
  const conditions = object.status?.conditions;
  if (conditions === undefined || !conditions.some(({ type }) => types.includes(type))) return;
  writeConditions(
    object,
    conditions.filter(({ type }) => !types.includes(type)),
  );
}

/** Sets `Reconciling`; an object that works again is not stalled. */
export function markReconciling(object: Conditioned, reason: string, message: string, clock?: Clock): void {
  removeConditions(object, 'Stalled');
  setCondition(object, { type: 'Reconciling', status: 'True', reason, message }, clock);
}

/** Sets `Stalled`: only a change by a person helps, so nothing is being reconciled. */
export function markStalled(object: Conditioned, reason: string, message: string, clock?: Clock): void {
  removeConditions(object, 'Reconciling');
  setCondition(object, { type: 'Stalled', status: 'True', reason, message }, clock);
}

function writeConditions(object: Conditioned, conditions: Condition[]): void {
  object.status = { ...object.status, conditions };
}

const leading = ['Reconciling', 'Stalled', 'Ready'];

/** The ones that tools look for come first, the others by name. */
function byRank(a: Condition, b: Condition): number {
  return rankOf(a) - rankOf(b) || (a.type < b.type ? -1 : 1);
}

function rankOf({ type }: Condition): number {
  const place = leading.indexOf(type);
  return place < 0 ? leading.length : place;
}
