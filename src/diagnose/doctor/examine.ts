import type { KubeClient } from '../../kube/client.ts';
import type { Gap } from '../collect/reader.ts';
import { type CollectOptions, collectReports, type ObjectReport } from '../collect/reports.ts';
import type { FailureCode } from './codes.ts';
import { diagnoseReport, type Finding, legendOf } from './diagnose.ts';
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

/** Reads a cluster, and what else the options open, and names what is wrong with its delivery chain, root causes first. Changes nothing. */
export async function examineCluster(
  client: KubeClient,
  signal: AbortSignal,
  options: CollectOptions = {},
): Promise<Examination> {
  const { reports, looked, gaps } = await collectReports(client, signal, options);
  return { ...explainReports(reports), looked, gaps };
}

/** The part of `examineCluster` that only thinks. */
export function explainReports(reports: readonly ObjectReport[]): Pick<Examination, 'findings' | 'unexplained'> {
  const byCode = new Map<FailureCode, ClusterFinding>();
  const unexplained: Examination['unexplained'] = [];
  for (const report of reports) {
    const first = diagnoseReport(report)[0];
    if (first === undefined) {
      unexplained.push({ object: report.object, message: report.symptom });
      continue;
    }
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
