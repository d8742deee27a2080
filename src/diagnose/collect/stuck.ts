import { textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { placeOf } from './object-facts.ts';
import type { ClusterReader } from './reader.ts';
import type { ObjectReport } from './reports.ts';

/**
 * Warnings about pods that do not start and ReplicaSets that cannot make theirs: nothing else of the chain says so. Events about
 * what has come right meanwhile are left out.
 */
export async function stuckReports(
  reader: ClusterReader,
  pods: readonly KubeObject[],
  isMeant: (object: KubeObject) => boolean,
): Promise<ObjectReport[]> {
  const pending = pods.filter((pod) => textAt(pod, 'status', 'phase') === 'Pending');
  const replicaSets = (await reader.list({ apiVersion: 'apps/v1', kind: 'ReplicaSet' })).filter(isMeant);
  const short = replicaSets.filter(
    (set) => Number(valueAt(set, 'status', 'replicas') ?? 0) < Number(valueAt(set, 'spec', 'replicas') ?? 1),
  );
  const stuck = new Map([...pending, ...short].map((object) => [object.metadata.uid, object]));
  if (stuck.size === 0) return [];
  const events = await reader.list({ apiVersion: 'v1', kind: 'Event' });
  const found = new Map<string, ObjectReport>();
  for (const event of events) {
    const object = stuck.get(textAt(event, 'involvedObject', 'uid'));
    const reason = textAt(event, 'reason') ?? '';
    if (object === undefined || textAt(event, 'type') !== 'Warning' || !/^Failed(?!$)/.test(reason)) continue;
    const symptom = `${reason}: ${textAt(event, 'message') ?? ''}`;
    found.set(`${formatRef(object)} ${reason}`, { object: formatRef(object), symptom, facts: placeOf(object) });
  }
  return [...found.values()];
}
