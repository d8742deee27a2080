import type { KubeClient } from '../../kube/client.ts';
import type { Gap } from '../collect/reader.ts';
import { collectReports, type ObjectReport } from '../collect/reports.ts';
import type { FailureCode } from './codes.ts';
import { diagnoseReport, type Finding } from './diagnose.ts';
import { rules } from './rules/index.ts';

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

/** Reads a cluster and names what is wrong with its delivery chain, root causes first. Changes nothing. */
export async function examineCluster(client: KubeClient, signal: AbortSignal): Promise<Examination> {
  const { reports, looked, gaps } = await collectReports(client, signal);
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
    }
  }
  return { findings: foldConsequences([...byCode.values()].sort(alongTheChain)), unexplained };
}

function alongTheChain(a: ClusterFinding, b: ClusterFinding): number {
  const place = ({ code }: ClusterFinding) => rules.findIndex((rule) => rule.code === code);
  return place(a) - place(b);
}

function foldConsequences(findings: ClusterFinding[]): ClusterFinding[] {
  const roots = findings.filter(({ code }) => !consequences.has(code));
  const [first] = roots;
  if (first === undefined) return findings;
  for (const finding of findings) {
    if (!consequences.has(finding.code)) continue;
    first.consequences.push(...finding.objects.map((object) => `${object}: ${finding.cause}`));
  }
  return roots;
}
