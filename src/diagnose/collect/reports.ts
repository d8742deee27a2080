import { textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject, keyOf } from '../../base/kube-object.ts';
import type { Report } from '../doctor/rule.ts';
import { awsFacts } from './aws-facts.ts';
import { logReports } from './controller-logs.ts';
import { fluxKinds } from './flux-kinds.ts';
import { identityFacts } from './identity-facts.ts';
import { objectFacts, placeOf } from './object-facts.ts';
import type { ClusterReader } from './reader.ts';
import { type Scope, scopeFilter } from './scope.ts';
import { stuckReports } from './stuck.ts';
import { findUndelivered } from './undelivered.ts';

/** Something that an object of the cluster complains of. */
export interface ObjectReport extends Report {
  /** `Kind/namespace/name` of who complains. */
  object: string;
}

export interface Collected {
  reports: ObjectReport[];
  /** How many objects were looked at. */
  looked: number;
  /** The ImageRepositories in scope that are not suspended. */
  scanners: KubeObject[];
  /** Whether an object of the chain, by its `Kind/namespace/name`, is in scope. */
  isInScope(object: string): boolean;
}

export interface CollectOptions {
  /** A namespace or one object, with what it depends on; everything where it is left out. */
  scope?: Scope;
  /** How far back the controllers' logs are read as well; without it they are not. */
  logSeconds?: number;
}

/** Reads what every object of the delivery chain says of itself, along the chain; changes nothing. */
export async function collectReports(
  reader: ClusterReader,
  { logSeconds, scope = {} }: CollectOptions = {},
): Promise<Collected> {
  const reports: ObjectReport[] = [];
  let looked = 0;
  const byKind: Record<string, KubeObject[]> = {};
  for (const kind of fluxKinds) byKind[kind.kind] = await reader.listServed(kind);
  const isMeant = scopeFilter(scope, await withWorkloads(reader, scope, byKind));
  for (const { kind, controller } of fluxKinds) {
    const objects = (byKind[kind] ?? []).filter(isMeant);
    looked += objects.length;
    for (const object of objects) reports.push(...(await complaintsOf(reader, object, controller)));
  }
  for (const { automation, symptom, facts } of await findUndelivered(reader, byKind)) {
    if (!isMeant(automation)) continue;
    const own = await objectFacts(reader, automation);
    const component = 'image-automation-controller';
    reports.push({ object: formatRef(automation), symptom, component, facts: { ...own, ...facts } });
  }
  const pods = (await reader.list({ apiVersion: 'v1', kind: 'Pod' })).filter(isMeant);
  looked += pods.length;
  for (const pod of pods) reports.push(...podComplaints(pod));
  reports.push(...(await stuckReports(reader, pods, isMeant)));
  if (logSeconds !== undefined) reports.push(...(await logReports(reader, byKind, logSeconds)));
  const meant = new Set(Object.values(byKind).flatMap((objects) => objects.filter(isMeant).map(formatRef)));
  const scanners = (byKind['ImageRepository'] ?? []).filter((one) => isMeant(one) && !isSuspended(one));
  return { reports, looked, scanners, isInScope: (object) => meant.has(object) };
}

/** A workload is looked for among its kind only where it was named. */
async function withWorkloads(
  reader: ClusterReader,
  { object }: Scope,
  byKind: Readonly<Record<string, readonly KubeObject[]>>,
) {
  if (object === undefined || !/^(Deployment|StatefulSet|DaemonSet)$/.test(object.kind)) return byKind;
  return { ...byKind, [object.kind]: await reader.list({ apiVersion: 'apps/v1', kind: object.kind }) };
}

function isSuspended(object: KubeObject): boolean {
  return valueAt(object, 'spec', 'suspend') === true;
}

async function complaintsOf(reader: ClusterReader, object: KubeObject, controller: string): Promise<ObjectReport[]> {
  const messages = failingMessages(object);
  if (messages.length === 0 || isSuspended(object)) return [];
  const namespace = await controllerNamespace(reader, controller);
  const identity = namespace === undefined ? {} : await identityFacts(reader, { namespace, name: controller });
  const facts = { ...identity, ...(await awsFacts(reader, identity)), ...(await objectFacts(reader, object)) };
  return messages.map((symptom) => ({ object: formatRef(object), symptom, component: controller, facts }));
}

/** The messages of the conditions that say that something is wrong; each text once. */
function failingMessages(object: KubeObject): string[] {
  const conditions = valueAt(object, 'status', 'conditions');
  if (!Array.isArray(conditions)) return [];
  const failing = conditions.filter((condition) => {
    const [type, status] = [textAt(condition, 'type'), textAt(condition, 'status')];
    return (
      (type === 'Ready' && status === 'False') ||
      (type === 'Stalled' && status === 'True') ||
      (type === 'FetchFailed' && status === 'True')
    );
  });
  return [...new Set(failing.flatMap((condition) => textAt(condition, 'message') ?? []))];
}

/** The namespace that the controller's Deployment is in, if it runs in the cluster at all. */
async function controllerNamespace(reader: ClusterReader, controller: string): Promise<string | undefined> {
  const deployments = await reader.list({ apiVersion: 'apps/v1', kind: 'Deployment' });
  const found = deployments.find(({ metadata }) => metadata.name === controller);
  if (found !== undefined) return keyOf(found).namespace;
  const accounts = await reader.list({ apiVersion: 'v1', kind: 'ServiceAccount' });
  const account = accounts.find(({ metadata }) => metadata.name === controller);
  return account === undefined ? undefined : keyOf(account).namespace;
}

function podComplaints(pod: KubeObject): ObjectReport[] {
  const statuses = valueAt(pod, 'status', 'containerStatuses');
  if (!Array.isArray(statuses)) return [];
  return statuses.flatMap((status) => {
    const reason = textAt(status, 'state', 'waiting', 'reason');
    if (reason !== 'ErrImagePull' && reason !== 'ImagePullBackOff') return [];
    const message = textAt(status, 'state', 'waiting', 'message') ?? '';
    const facts = { ...placeOf(pod), image: textAt(status, 'image'), pod_waiting_reason: reason };
    return [{ object: formatRef(pod), symptom: `${reason}: ${message}`, component: 'kubelet', facts }];
  });
}
