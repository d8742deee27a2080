import { isRecord, listAt, textAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { conditionOf } from '../condition.ts';
import { fluxKinds } from './flux-kinds.ts';
import type { ClusterReader } from './reader.ts';
import type { ObjectReport } from './reports.ts';

const controllers = new Set([...fluxKinds.map(({ controller }) => controller), 'millrace']);
/** No message that decides anything is longer. */
const longestLine = 8192;

/**
 * What the controllers have logged as errors since then, where the object that a line is about has not come right meanwhile. The
 * same text in many lines is one report.
 */
export async function logReports(
  reader: ClusterReader,
  objects: Readonly<Record<string, readonly KubeObject[]>>,
  sinceSeconds: number,
): Promise<ObjectReport[]> {
  const reports = new Map<string, ObjectReport>();
  for (const pod of await reader.list({ apiVersion: 'v1', kind: 'Pod' })) {
    const component = controllerOf(pod);
    if (component === undefined) continue;
    for (const container of containerNames(pod)) {
      const log = await reader.log(pod, container, sinceSeconds);
      for (const line of log.split('\n')) {
        const entry = readEntry(line);
        if (entry === undefined || isRightAgain(entry, objects)) continue;
        const key = entry.symptom.replace(/[0-9a-f]{7,}|\d+/g, '');
        if (!reports.has(key))
          reports.set(key, { object: formatRef(pod), symptom: entry.symptom, component, facts: {} });
      }
    }
  }
  return [...reports.values()];
}

function controllerOf({ metadata: { labels = {} } }: KubeObject): string | undefined {
  return [labels['app'], labels['app.kubernetes.io/name'], labels['app.kubernetes.io/component']].find(
    (label) => label !== undefined && controllers.has(label),
  );
}

function containerNames(pod: KubeObject): string[] {
  return listAt(pod, 'spec', 'containers').flatMap((container) => textAt(container, 'name') ?? []);
}

interface LogEntry {
  symptom: string;
  line: Record<string, unknown>;
}

/** An error as the controllers write them: JSON with a level. */
function readEntry(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    if (!isRecord(entry) || entry['level'] !== 'error') return undefined;
    const symptom = [textAt(entry, 'msg'), textAt(entry, 'error')].filter((part) => part !== undefined).join(': ');
    return symptom === '' ? undefined : { symptom: symptom.slice(0, longestLine), line: entry };
  } catch {
    return undefined;
  }
}

/** The controllers name the object: `controllerKind` or the key of the kind, `namespace` and `name`. */
function isRightAgain({ line }: LogEntry, objects: Readonly<Record<string, readonly KubeObject[]>>): boolean {
  const kind = textAt(line, 'controllerKind') ?? Object.keys(objects).find((one) => one in line);
  const key = kind === undefined ? undefined : line[kind];
  const name = textAt(key, 'name') ?? textAt(line, 'name');
  const namespace = textAt(key, 'namespace') ?? textAt(line, 'namespace');
  const object = objects[kind ?? '']?.find(
    ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
  );
  return object !== undefined && conditionOf(object, 'Ready')?.status === 'True';
}
