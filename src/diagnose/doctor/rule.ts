import type { FailureCode } from './codes.ts';

/**
 * What can be observed read-only, by the names of spec/failure-codes.md. A key that is absent was not looked at; `null`
 * was looked at and is not set.
 */
export type Facts = Readonly<Record<string, unknown>>;

/** One thing that was reported: a log line, a condition or event message, with the facts around it. */
export interface Report {
  symptom: string;
  facts: Facts;
  /** Who said it: `image-reflector-controller`, `kubelet` … */
  component?: string;
}

/** How sure a rule is, 0 to 1, and what makes it so. */
export interface Judgement {
  confidence: number;
  evidence: string[];
}

export interface Example {
  symptom: string;
  facts?: Facts;
  component?: string;
  /** Whether this rule's code must be the first finding for it. */
  found: boolean;
}

/**
 * One root cause. `says` are texts that point to it, each with the confidence that the text alone gives: about 0.95 where it
 * decides, 0.5 where several causes say the same, 0 where only facts can decide. `weigh` then raises or lowers that by what is
 * known. Rules look at nothing but the report, so that a pasted line and a live cluster are judged alike.
 */
export interface Rule {
  code: FailureCode;
  /** What is wrong, in a sentence. */
  cause: string;
  /** What to do about it, in a sentence or two. */
  fix: string;
  /** Commands that show or mend it; `$NS`, `$SA`, … stand for names that the report shows or the user knows (names.ts). */
  commands?: readonly string[];
  /** What to change in a document, as a diff, where the facts hold what it says now. */
  diff?(report: Report): string | undefined;
  says: readonly (readonly [text: RegExp, confidence: number])[];
  weigh?(confidence: number, report: Report): Judgement;
  /** What in the facts shows this cause whatever the message says, in a sentence; asked when no rule knows the message. */
  shows?(facts: Facts): string | undefined;
  examples: readonly Example[];
}

/** Below this a rule says nothing. */
export const leastConfidence = 0.3;

/** What a rule makes of a report; undefined where it does not apply. */
export function judge(rule: Rule, report: Report): Judgement | undefined {
  let best: Judgement | undefined;
  for (const [text, confidence] of rule.says) {
    const found = text.exec(report.symptom);
    if (found === null || (best !== undefined && best.confidence >= confidence)) continue;
    best = { confidence, evidence: [`it says: ${quote(found[0])}`] };
  }
  if (best === undefined) return undefined;
  const weighed = rule.weigh?.(best.confidence, report) ?? { confidence: best.confidence, evidence: [] };
  if (weighed.confidence < leastConfidence) return undefined;
  return { confidence: weighed.confidence, evidence: [...best.evidence, ...weighed.evidence] };
}

/** What a rule makes of the facts alone; undefined where they show nothing. */
export function judgeByFacts({ shows }: Rule, { facts }: Report): Judgement | undefined {
  const shown = shows?.(facts);
  return shown === undefined ? undefined : { confidence: 0.6, evidence: [shown] };
}

function quote(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return `“${line.length > 160 ? `${line.slice(0, 157)}…` : line}”`;
}

/** A judgement with its reasons: what `weigh` returns. */
export function because(confidence: number, ...evidence: string[]): Judgement {
  return { confidence, evidence };
}
