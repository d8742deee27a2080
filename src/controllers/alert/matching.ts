import { RE2JS } from 're2js';
import type { Alert } from '../../api/alert.ts';
import type { Notification } from '../../runtime/notification.ts';

/** What the Alerts of a cluster are asked about an event. */
export interface MatchOptions {
  /** An Alert sees the events of its own namespace alone. */
  noCrossNamespaceRefs: boolean;
  /** The labels of the object that the event is about; asked for where an Alert selects by them. */
  labelsOf(): Promise<Readonly<Record<string, string>>>;
}

/** Whether an Alert wants an event (https://fluxcd.io/flux/components/notification/alerts/). */
export async function wants(alert: Alert, event: Notification, options: MatchOptions): Promise<boolean> {
  const { spec } = alert;
  if (spec.suspend === true || isForCommitStatus(event)) return false;
  if (spec.eventSeverity === 'error' && event.severity !== 'error') return false;
  const { inclusionList = [], exclusionList = [] } = spec;
  if (inclusionList.length > 0 && !inclusionList.some((pattern) => finds(pattern, event.message))) return false;
  if (exclusionList.some((pattern) => finds(pattern, event.message))) return false;
  for (const source of spec.eventSources) if (await isSource(source, alert, event, options)) return true;
  return false;
}

/** Flux repeats an event for the status that it shows at the commit; nobody else wants it again. */
function isForCommitStatus({ metadata = {} }: Notification): boolean {
  return Object.entries(metadata).some(([key, value]) => key.endsWith('/commit_status') && value === 'update');
}

async function isSource(
  source: Alert['spec']['eventSources'][number],
  { metadata }: Alert,
  { involvedObject }: Notification,
  { noCrossNamespaceRefs, labelsOf }: MatchOptions,
): Promise<boolean> {
  const namespace = source.namespace ?? metadata.namespace;
  if (noCrossNamespaceRefs && namespace !== metadata.namespace) return false;
  if (source.kind !== involvedObject['kind'] || namespace !== involvedObject['namespace']) return false;
  if (source.name !== '*') return source.name === involvedObject['name'];
  const wanted = Object.entries(source.matchLabels ?? {});
  if (wanted.length === 0) return true;
  const labels = await labelsOf();
  return wanted.every(([key, value]) => labels[key] === value);
}

/** A pattern that is none matches nothing: it keeps no event in and none out. */
function finds(pattern: string, message: string): boolean {
  try {
    return RE2JS.compile(pattern).matcher(message).find();
  } catch {
    return false;
  }
}

/**
 * The event as it goes to the Provider of an Alert: metadata without the prefix of its group, with what the Alert adds. What the
 * Alert says wins; the sums by which controllers tell repeated events are left out.
 */
export function addressed(event: Notification, { spec }: Alert): Notification {
  const group = event.involvedObject['apiVersion']?.split('/')[0] ?? '';
  const own = Object.entries(event.metadata ?? {}).flatMap(([key, value]) => {
    const prefix = [`${group}/`, 'event.toolkit.fluxcd.io/'].find((one) => key.startsWith(one));
    const name = prefix === undefined ? key : key.slice(prefix.length);
    return ['checksum', 'digest'].includes(name) ? [] : [[name, value] as const];
  });
  const summary: Record<string, string> = spec.summary === undefined ? {} : { summary: spec.summary };
  const metadata = { ...Object.fromEntries(own), ...summary, ...spec.eventMetadata };
  const { metadata: _, ...rest } = event;
  return Object.keys(metadata).length === 0 ? rest : { ...rest, metadata };
}
