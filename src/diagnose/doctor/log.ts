import { isRecord, textAt, valueAt } from '../../base/json.ts';
import { fluxKinds } from '../collect/flux-kinds.ts';
import { diagnoseReport, type Finding } from './diagnose.ts';
import type { Facts, Report } from './rule.ts';

/**
 * Diagnoses a whole log, a report a line: plain text, or JSON lines as the controllers write them. The same code in several
 * lines is one finding; the surest comes first. Memory does not grow with the number of lines.
 */
export function diagnoseLog(log: string, facts: Facts): Finding[] {
  const byCode = new Map<string, Finding>();
  const seen = new Set<string>();
  for (const line of log.split('\n')) {
    const report = readLine(line, facts);
    if (report === undefined) continue;
    // Logs repeat themselves but for times, sizes and digests.
    const said = report.symptom.replace(changing, '#');
    if (seen.has(said)) continue;
    if (seen.size < mostSeen) seen.add(said);
    for (const finding of diagnoseReport(report)) {
      const known = byCode.get(finding.code);
      if (known === undefined || known.confidence < finding.confidence) byCode.set(finding.code, finding);
    }
  }
  return [...byCode.values()].sort((a, b) => b.confidence - a.confidence);
}

/**
 * A line as a report: the words of a JSON entry, and the object and controller that it names; any other line as it is. Undefined
 * where it says nothing.
 */
export function readLine(line: string, facts: Facts): Report | undefined {
  const trimmed = line.trim();
  if (trimmed === '') return undefined;
  const entry = parseEntry(trimmed);
  if (entry === undefined) return { symptom: trimmed, facts };
  const symptom = wordsOf(entry);
  if (symptom === '') return undefined;
  return {
    symptom: symptom,
    facts: { ...objectOf(entry), ...facts },
    component: componentOf(entry),
  };
}

/** A JSON object; also behind a time or a pod's name, as log viewers print it. */
function parseEntry(line: string): Record<string, unknown> | undefined {
  const start = line.search(/\{\s*"/);
  if (start < 0 || !line.endsWith('}')) return undefined;
  try {
    const entry: unknown = JSON.parse(line.slice(start));
    return isRecord(entry) && isLogEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** An answer quoted in a message is JSON as well, and no entry. */
function isLogEntry(entry: Readonly<Record<string, unknown>>): boolean {
  return 'level' in entry || 'msg' in entry || 'controllerKind' in entry || 'involvedObject' in entry;
}

function wordsOf(entry: Readonly<Record<string, unknown>>): string {
  const said = ['msg', 'message', 'error', 'err'].flatMap(
    (key) => textAt(entry, key) ?? textAt(entry[key], 'message') ?? [],
  );
  return [...new Set(said)].join(': ');
}

/** The controllers of Flux name the kind as `controllerKind`, and the object under it. */
function objectOf(entry: Readonly<Record<string, unknown>>): Facts {
  const kind = textAt(entry, 'controllerKind') ?? textAt(entry, 'involvedObject', 'kind');
  const named = valueAt(entry, kind ?? '') ?? entry['involvedObject'] ?? entry;
  const [name, namespace] = [textAt(named, 'name'), textAt(named, 'namespace')];
  return {
    ...(kind !== undefined && { object_kind: kind }),
    ...(name !== undefined && { object_name: name }),
    ...(namespace !== undefined && { object_namespace: namespace }),
  };
}

/** Entries name a kind, events who reports. */
function componentOf(entry: Readonly<Record<string, unknown>>): string | undefined {
  const kind = textAt(entry, 'controllerKind');
  const controller = fluxKinds.find((one) => one.kind === kind)?.controller;
  return controller ?? textAt(entry, 'reportingComponent') ?? textAt(entry, 'source', 'component');
}

/** Digests, and numbers that are no status of HTTP. */
const changing = /[0-9a-f]{7,}|\b(?![1-5]\d\d\b)\d+(?:m?s)?\b/g;

/** How many different lines of a log are remembered. */
const mostSeen = 10_000;
