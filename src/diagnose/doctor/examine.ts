import type { ClusterReader, Gap } from '../collect/reader.ts';
import { type CollectOptions, collectReports, type ObjectReport } from '../collect/reports.ts';
import type { Verification } from '../verify/verify.ts';
import type { FailureCode } from './codes.ts';
import { diagnoseReport, type Finding, findingOf, legendOf } from './diagnose.ts';
import { isHealthy } from './healthy.ts';
import { type LiveReport, liveReports, ofThisMachine, weighByChecks } from './live.ts';
import { rules } from './rules/index.ts';
import { emptyScan } from './rules/no-tags.ts';

/** A finding with the objects that show it. */
export interface ClusterFinding extends Finding {
  objects: string[];
  /** Complaints of other objects that go away when this one does. */
  consequences: string[];
}

export interface Examination {
  findings: ClusterFinding[];
  /** Complaints that no rule explains, as they are. */
  unexplained: { object: string; message: string }[];
  looked: number;
  gaps: Gap[];
}

/** Codes that only say that something earlier in the chain has not happened. */
const consequences: ReadonlySet<FailureCode> = new Set(['source-not-ready', 'dependency-not-ready', 'no-tags']);

/** Codes that follow from another one where both are seen. */
const followsFrom: Partial<Record<FailureCode, FailureCode>> = { 'image-tag-not-found': 'no-tags' };

export interface ExamineOptions extends CollectOptions {
  /** What verify has tried live, where somebody has run it: further evidence. */
  verification?: Verification;
}

/** Reads a cluster, and what else the options open, and names what is wrong with its delivery chain, root causes first. Changes nothing. */
export async function examineCluster(reader: ClusterReader, options: ExamineOptions = {}): Promise<Examination> {
  const { verification } = options;
  const { reports, looked, ...collected } = await collectReports(reader, options);
  const live = verification === undefined ? [] : await liveReports(reader, verification, collected);
  const { findings, unexplained } = explainReports(reports, live);
  const isCalm = findings.length + unexplained.length === 0;
  if (verification !== undefined) weighByChecks(findings, verification.checks);
  // Where nothing complains, the controllers have made every step themselves.
  const untried = isCalm || verification === undefined ? [] : untriedOf(verification);
  return { findings, unexplained, looked, gaps: [...reader.gaps, ...untried] };
}

/** What verify could not try; not what only follows from an earlier failure, nor what the reader has in its own gaps. */
function untriedOf({ checks, gaps }: Verification): Gap[] {
  return checks.flatMap(({ number, name, verdict, evidence }) => {
    const isTold = evidence.startsWith('needs ') || gaps.some(({ why }) => evidence.includes(why));
    return verdict === 'unknown' && !isTold ? [{ what: `verify ${number}, ${name}`, why: evidence }] : [];
  });
}

/** The part of `examineCluster` that only thinks. */
export function explainReports(
  reports: readonly ObjectReport[],
  live: readonly LiveReport[] = [],
): Pick<Examination, 'findings' | 'unexplained'> {
  const byCode = new Map<FailureCode, ClusterFinding>();
  const unexplained: Examination['unexplained'] = [];
  const add = (first: Finding, report: ObjectReport) => {
    const known = byCode.get(first.code);
    if (known === undefined) byCode.set(first.code, { ...first, objects: [report.object], consequences: [] });
    else {
      known.confidence = Math.max(known.confidence, first.confidence);
      known.objects = [...new Set([...known.objects, report.object])];
      known.evidence = [...new Set([...known.evidence, ...first.evidence])];
      known.commands = [...new Set([...known.commands, ...first.commands])];
      known.placeholders = legendOf(known.commands);
      if (known.diff === undefined && first.diff !== undefined) known.diff = first.diff;
    }
  };
  for (const report of reports) {
    if (isHealthy(report)) continue;
    const first = diagnoseReport(report)[0];
    if (first === undefined) unexplained.push({ object: report.object, message: report.symptom });
    else add(first, report);
  }
  for (const report of live) {
    const found = report.cause === undefined ? diagnoseReport(report)[0] : findingOf(report.cause, report);
    if (found !== undefined && !ofThisMachine.has(found.code)) add({ ...found, evidence: [report.evidence] }, report);
  }
  return { findings: foldConsequences([...byCode.values()].sort(alongTheChain)), unexplained };
}

function alongTheChain(a: ClusterFinding, b: ClusterFinding): number {
  const place = ({ code }: ClusterFinding) => rules.findIndex((rule) => rule.code === code);
  return place(a) - place(b);
}

function foldConsequences(findings: ClusterFinding[]): ClusterFinding[] {
  const codes = new Set(findings.map(({ code }) => code));
  const isConsequence = ({ code, evidence }: ClusterFinding) => {
    const cause = followsFrom[code];
    if (cause !== undefined && codes.has(cause)) return true;
    return consequences.has(code) && !evidence.includes(emptyScan);
  };
  const roots = findings.filter((finding) => !isConsequence(finding));
  const [first] = roots;
  if (first === undefined) return findings;
  for (const finding of findings.filter(isConsequence))
    first.consequences.push(...finding.objects.map((object) => `${object}: ${finding.cause}`));
  return roots;
}
