import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { Change } from '../storage/watch-feed.ts';
import { type Actor, controllerOf, ownerReference } from './actor.ts';
import { holds } from './conditions.ts';

/** A pod of an owner's template. Without a name, one is generated from the owner's. */
export function podOf(owner: KubeObject, name: string | undefined, labels: Record<string, string>): KubeObject {
  const template = valueAt(owner, 'spec', 'template');
  const metadata = valueAt(template, 'metadata');
  const given = isRecord(metadata) ? (metadata as Partial<KubeObject['metadata']>) : {};
  const named = name === undefined ? { generateName: `${owner.metadata.name}-`, name: '' } : { name };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...named,
      namespace: owner.metadata.namespace ?? '',
      labels: { ...given.labels, ...labels },
      ...(given.annotations && { annotations: given.annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: structuredClone(valueAt(template, 'spec')),
  };
}

export function isReady(pod: KubeObject): boolean {
  return holds(pod, 'Ready');
}

/** Pods that are neither finished nor going. */
export function livePods(actor: Actor, owner: KubeObject): KubeObject[] {
  return actor.ownedBy('/pods', owner).filter(({ metadata, status }) => {
    const phase = valueAt(status, 'phase');
    return metadata.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed';
  });
}

/** The live pods of an owner, and why the API refused another one. */
export interface Scaled {
  pods: KubeObject[];
  refusal: string | undefined;
}

/** Brings the number of live pods to `wanted`; pods that are not ready go first. */
export function scalePods(
  actor: Actor,
  owner: KubeObject,
  wanted: number,
  labels: Record<string, string> = {},
): Scaled {
  const pods = livePods(actor, owner);
  let refusal: string | undefined;
  for (let count = pods.length; count < wanted; count++) {
    const pod = actor.create('/pods', podOf(owner, undefined, labels), (why) => {
      refusal = why;
      actor.event(owner, 'Warning', 'FailedCreate', `Error creating: ${why}`);
    });
    if (pod === undefined) break;
    actor.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  }
  const surplus = [...pods]
    .sort((a, b) => Number(isReady(a)) - Number(isReady(b)))
    .slice(0, Math.max(0, pods.length - wanted));
  for (const pod of surplus) {
    actor.delete('/pods', pod);
    actor.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
  return { pods: livePods(actor, owner), refusal };
}

/** The managing owners in a resource of what changed: they look again. */
export function wakesOwners(actor: Actor, storage: string, kind: string, dependants: string) {
  return (resource: string, { object }: Change): KubeObject[] => {
    if (resource !== dependants) return [];
    const owner = controllerOf(object);
    if (owner?.kind !== kind) return [];
    const found = actor.get(storage, object.metadata.namespace ?? '', owner.name);
    return found === undefined ? [] : [found];
  };
}

/** Whether an object is to be left alone because it is going. */
export function isGoing(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}
