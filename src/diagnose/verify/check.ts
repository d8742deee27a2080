import { errorMessage, isMillraceError } from '../../base/error.ts';
import type { FailureCode } from '../doctor/codes.ts';
import { isOwnLack, reasonOf } from '../reason.ts';

/** `unknown`: it could not be looked at; `skipped`: it does not arise here. */
export type Verdict = 'pass' | 'fail' | 'unknown' | 'skipped';

/** What a check found. */
export interface CheckResult {
  verdict: Verdict;
  /** What was seen, or what is missing to look. */
  evidence: string;
  /** What to do about a failure. */
  fix?: string;
  /** `Kind/namespace/name` of what was looked at, where it is one object. */
  object?: string;
  /** The cause that a failure is, where the check itself decides it. */
  cause?: FailureCode;
  /** The words of the service that refused, or that would refuse: the rules of doctor read the cause from them. */
  symptom?: string;
}

/** One line of the checklist (spec/provisioning.md §12), by its number there. */
export interface Check<Scene> {
  number: number;
  name: string;
  run(scene: Scene): Promise<CheckResult | CheckResult[]>;
  /** Checks whose success proves this one where it cannot be made itself: AWS accepted what it is about. */
  provedBy?: readonly number[];
  /** The permissions of AWS without which it cannot be made. */
  needs?: string;
}

export interface CheckedItem extends CheckResult {
  number: number;
  name: string;
}

export const pass = (evidence: string): CheckResult => ({ verdict: 'pass', evidence });
export const fail = (evidence: string, fix?: string, cause?: FailureCode): CheckResult => ({
  verdict: 'fail',
  evidence,
  ...(fix !== undefined && { fix }),
  ...(cause !== undefined && { cause }),
});
export const unknown = (evidence: string): CheckResult => ({ verdict: 'unknown', evidence });
export const skipped = (evidence: string): CheckResult => ({ verdict: 'skipped', evidence });

/** A failure as the service words it, with the hint of our error as the fix; unknown where it is ours not to be allowed to look. */
export function failedBy(error: unknown): CheckResult {
  if (isOwnLack(error)) return unknown(reasonOf(error));
  const message = errorMessage(error);
  return { ...fail(message, isMillraceError(error) ? error.hint : undefined), symptom: message };
}

/** Something that several checks need and that is looked up once: the value, or why there is none. */
export type Lookup<T> = () => Promise<{ value: T } | { why: CheckResult }>;

export function lookup<T>(find: () => Promise<T>, explain: (error: unknown) => CheckResult): Lookup<T> {
  let found: Promise<{ value: T } | { why: CheckResult }> | undefined;
  return () => {
    found ??= find().then(
      (value) => ({ value }),
      (error: unknown) => ({ why: explain(error) }),
    );
    return found;
  };
}

/** A missing value ends a lookup with this result. */
export class Unavailable extends Error {
  readonly result: CheckResult;

  constructor(result: CheckResult) {
    super(result.evidence);
    this.result = result;
  }
}

/** What was missing, where the service that would know was not even asked. */
function told(result: CheckResult, needs: string | undefined): CheckResult {
  const isNamed = result.verdict !== 'unknown' || result.evidence.startsWith('needs ');
  return needs === undefined || isNamed ? result : { ...result, evidence: `${result.evidence}; needs ${needs}` };
}

/** Runs the checks in order; one that cannot be made is proved by a later one where that is possible. */
export async function runChecks<Scene>(
  checks: readonly Check<Scene>[],
  scene: Scene,
  signal: AbortSignal,
): Promise<CheckedItem[]> {
  const items: CheckedItem[] = [];
  for (const { number, name, run, needs } of checks) {
    signal.throwIfAborted();
    const results = await run(scene).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof Unavailable) return error.result;
      return unknown(reasonOf(error));
    });
    for (const result of [results].flat()) items.push({ number, name, ...told(result, needs) });
  }
  const holds = (number: number) => {
    const of = items.filter((item) => item.number === number);
    return of.length > 0 && of.every(({ verdict }) => verdict === 'pass');
  };
  return items.map((item) => {
    const proof = checks.find(({ number }) => number === item.number)?.provedBy?.find(holds);
    if (item.verdict !== 'unknown' || proof === undefined) return item;
    return { ...item, verdict: 'pass' as const, evidence: `proved by ${proof} (not looked at: ${item.evidence})` };
  });
}
