import { redact } from '../../base/redact.ts';
import type { FailureCode } from './codes.ts';
import { isHealthy } from './healthy.ts';
import { meaningOf, placeholdersOf, withNames } from './names.ts';
import { type Judgement, judge, judgeByFacts, type Report, type Rule } from './rule.ts';
import { rules } from './rules/index.ts';

export interface Finding {
  code: FailureCode;
  cause: string;
  fix: string;
  /** To be pasted; names that nothing shows are left as `$NAME`. */
  commands: string[];
  /** What the names left in the commands stand for. */
  placeholders: Record<string, string>;
  /** What to change in a document, where the facts hold what it says now. */
  diff?: string;
  evidence: string[];
  /** 0 to 1. */
  confidence: number;
}

/** A finding this much less sure than the first one is not worth showing beside it. */
const worthShowing = 0.35;
/** No message that decides anything is longer, in characters; what the patterns take grows faster than it. */
const longestSymptom = 4096;
/** Words that are this sure outweigh facts that nobody has connected with them. */
const telling = 0.5;

/**
 * Names what is behind a report, root cause first; empty for a healthy or unrelated line. Pure: it sees only the report.
 * Codes and meaning of the facts: spec/failure-codes.md.
 */
export function diagnoseReport(given: Report, among: readonly Rule[] = rules): Finding[] {
  const report = { ...given, symptom: unescaped(given.symptom.slice(0, longestSymptom)) };
  if (isHealthy(report)) return [];
  let findings = findingsOf(among, report, judge);
  // Where the words decide nothing, what is known around them does.
  if (findings.every(({ confidence }) => confidence < telling)) {
    const known = new Set(findings.map(({ code }) => code));
    const others = among.filter(({ code }) => !known.has(code));
    findings = [...findings, ...findingsOf(others, report, judgeByFacts)];
  }
  // Array.sort is stable: equally sure rules keep the order of the list, which goes along the chain.
  findings.sort((a, b) => b.confidence - a.confidence);
  const first = findings[0];
  return first === undefined ? [] : findings.filter(({ confidence }) => first.confidence - confidence <= worthShowing);
}

/** The words as the program said them: logs and tickets escape quotes, colour lines, and wrap them in boxes. */
function unescaped(symptom: string): string {
  return symptom
    .replaceAll(terminalColours, '')
    .replace(/&(quot|#34);/g, '"')
    .replace(/&(apos|#39);/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/\\+(["'])/g, '$1')
    .replace(/\\[nrt]/g, ' ')
    .replace(/[\u2500-\u257f]/g, ' ')
    .replace(/\n\s*-?\s*\|\s/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/[\u2018\u2019]/g, "'");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals begin with ESC.
const terminalColours = /\u001b\[[\d;]*m/g;

function findingsOf(
  among: readonly Rule[],
  report: Report,
  judgementOf: (rule: Rule, report: Report) => Judgement | undefined,
): Finding[] {
  const findings: Finding[] = [];
  for (const rule of among) {
    const judgement = judgementOf(rule, report);
    if (judgement === undefined) continue;
    findings.push({
      code: rule.code,
      cause: rule.cause,
      fix: rule.fix,
      ...remedyOf(rule, report),
      evidence: judgement.evidence.map(redact),
      confidence: Math.round(judgement.confidence * 100) / 100,
    });
  }
  return findings;
}

/** The finding of a cause that is known by other means than words. */
export function findingOf(code: FailureCode, report: Report): Finding | undefined {
  const rule = rules.find((one) => one.code === code);
  const decided = { confidence: 0.9, evidence: [] };
  return rule && findingsOf([rule], report, () => decided)[0];
}

/** Commands and diff of a rule with the names that a report shows. */
function remedyOf(rule: Rule, report: Report): Pick<Finding, 'commands' | 'placeholders' | 'diff'> {
  const commands = (rule.commands ?? []).map((command) => withNames(command, report));
  const diff = rule.diff?.(report);
  return { commands, placeholders: legendOf(commands), ...(diff !== undefined && { diff: redact(diff) }) };
}

/** What the placeholders that are left in commands stand for. */
export function legendOf(commands: readonly string[]): Record<string, string> {
  const left = commands.flatMap(placeholdersOf);
  return Object.fromEntries([...new Set(left)].map((name) => [name, meaningOf(name) ?? '']));
}
