import { isRecord, textAt } from '../../base/json.ts';
import { diagnoseReport, type Finding } from './diagnose.ts';
import type { Facts, Report } from './rule.ts';

/**
 * Diagnoses a whole log, a report a line: plain text, or JSON lines as the controllers write them. The same code in several
 * lines is one finding; the surest comes first. Memory grows with the number of codes, not of lines.
 */
export function diagnoseLog(log: string, facts: Facts): Finding[] {
  const byCode = new Map<string, Finding>();
  for (const line of log.split('\n')) {
    const report = readLine(line, facts);
    if (report === undefined) continue;
    for (const finding of diagnoseReport(report)) {
      const known = byCode.get(finding.code);
      if (known === undefined || known.confidence < finding.confidence) byCode.set(finding.code, finding);
    }
  }
  return [...byCode.values()].sort((a, b) => b.confidence - a.confidence);
}

function readLine(line: string, facts: Facts): Report | undefined {
  const trimmed = line.trim();
  if (trimmed === '') return undefined;
  if (!trimmed.startsWith('{')) return { symptom: trimmed.slice(0, longestLine), facts };
  try {
    const entry: unknown = JSON.parse(trimmed);
    if (!isRecord(entry)) return undefined;
    const symptom = [textAt(entry, 'msg'), textAt(entry, 'error')].filter((part) => part !== undefined).join(': ');
    return symptom === ''
      ? undefined
      : { symptom: symptom.slice(0, longestLine), facts, component: textAt(entry, 'controller') };
  } catch {
    return { symptom: trimmed.slice(0, longestLine), facts };
  }
}

/** No message that decides anything is longer; the patterns never see more. In characters. */
const longestLine = 8192;
