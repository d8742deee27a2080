import { redact } from '../../base/redact.ts';
import type { FailureCode } from './codes.ts';
import { isHealthy } from './healthy.ts';
import { type Judgement, judge, judgeByFacts, type Report, type Rule } from './rule.ts';
import { rules } from './rules/index.ts';

export interface Finding {
  code: FailureCode;
  cause: string;
  fix: string;
  commands: string[];
  evidence: string[];
  /** 0 to 1. */
  confidence: number;
}

/** A finding this much less sure than the first one is not worth showing beside it. */
const worthShowing = 0.35;

/**
 * Names what is behind a report, root cause first; empty for a healthy or unrelated line. Pure: it sees only the report.
 * Codes and meaning of the facts: spec/failure-codes.md.
 */
export function diagnoseReport(report: Report, among: readonly Rule[] = rules): Finding[] {
  if (isHealthy(report)) return [];
  let findings = findingsOf(among, (rule) => judge(rule, report));
  if (findings.length === 0) findings = findingsOf(among, (rule) => judgeByFacts(rule, report));
  // Array.sort is stable: equally sure rules keep the order of the list, which goes along the chain.
  findings.sort((a, b) => b.confidence - a.confidence);
  const first = findings[0];
  return first === undefined ? [] : findings.filter(({ confidence }) => first.confidence - confidence <= worthShowing);
}

function findingsOf(among: readonly Rule[], judgementOf: (rule: Rule) => Judgement | undefined): Finding[] {
  const findings: Finding[] = [];
  for (const rule of among) {
    const judgement = judgementOf(rule);
    if (judgement === undefined) continue;
    findings.push({
      code: rule.code,
      cause: rule.cause,
      fix: rule.fix,
      commands: [...(rule.commands ?? [])],
      evidence: judgement.evidence.map(redact),
      confidence: Math.round(judgement.confidence * 100) / 100,
    });
  }
  return findings;
}
