import { formatTime } from '../../../base/clock.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { ownOptions } from '../bootstrap.ts';
import { StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import { createOwn } from '../verbs/create.ts';
import type { Actor } from './actor.ts';

/** Records events as a component does: one object for each first occurrence, counted up for repetitions. */
export function eventRecorder(cluster: Cluster, component: string): Actor['event'] {
  let sequence = cluster.clock.now();
  return (object, type, reason, message) => {
    const resource = cluster.registry.byStorage('/events');
    if (resource === undefined) return;
    const { namespace = 'default', name, uid = '', resourceVersion = '' } = object.metadata;
    const now = formatTime(cluster.clock.now());
    const known = cluster.store
      .list('/events', namespace)
      .find((event) => isSame(event, uid, reason, message, component));
    if (known !== undefined) {
      const count = Number(known['count'] ?? 1) + 1;
      cluster.store.put('/events', { ...known, count, lastTimestamp: now });
      return;
    }
    sequence++;
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${sequence.toString(16)}`, namespace },
      involvedObject: { apiVersion: object.apiVersion, kind: object.kind, namespace, name, uid, resourceVersion },
      type,
      reason,
      message,
      source: { component },
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      reportingComponent: component,
    };
    try {
      createOwn(cluster, resource, event, ownOptions(component));
    } catch (error) {
      // Events of a namespace that is going away are lost, as on every cluster.
      if (!(error instanceof StatusError)) throw error;
    }
  };
}

function isSame(event: KubeObject, uid: string, reason: string, message: string, component: string): boolean {
  const { uid: about } = event['involvedObject'] as { uid?: string };
  const { component: by } = (event['source'] ?? {}) as { component?: string };
  return about === uid && event['reason'] === reason && event['message'] === message && by === component;
}
