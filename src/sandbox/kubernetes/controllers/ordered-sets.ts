import { sha256Hex } from '../../../base/digest.ts';
import { textAt, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { Actor } from './actor.ts';
import { nonZero, numberAt } from './conditions.ts';
import type { Stand } from './control-loop.ts';
import { isGoing, isReady, livePods, podOf, scalePods, wakesOwners } from './owned-pods.ts';

const statefulSets = 'apps/statefulsets';
const daemonSets = 'apps/daemonsets';
const hashLabel = 'controller-revision-hash';

function templateHash(owner: KubeObject): string {
  return sha256Hex(JSON.stringify(valueAt(owner, 'spec', 'template'))).slice(0, 10);
}

/** Pods by ordinal, one after the other; outdated ones are replaced from the highest down. */
export function statefulSetStand(actor: Actor): Stand {
  return {
    storage: statefulSets,
    wakes: wakesOwners(actor, statefulSets, 'StatefulSet', '/pods'),
    reconcile(set) {
      if (set === undefined || isGoing(set)) return;
      const wanted = numberAt(set, 'spec', 'replicas');
      const revision = `${set.metadata.name}-${templateHash(set)}`;
      const isCurrent = (pod: KubeObject) => pod.metadata.labels?.[hashLabel] === revision;
      stepStatefulSet(actor, set, wanted, revision, isCurrent);
      const pods = livePods(actor, set);
      const current = pods.filter(isCurrent);
      const ready = pods.filter(isReady).length;
      const complete = current.length === wanted && ready === wanted;
      actor.setStatus(statefulSets, set, {
        observedGeneration: set.metadata.generation,
        replicas: pods.length,
        ...nonZero({ readyReplicas: ready, currentReplicas: current.length, updatedReplicas: current.length }),
        availableReplicas: ready,
        currentRevision: complete ? revision : (textAt(set, 'status', 'currentRevision') ?? revision),
        updateRevision: revision,
        collisionCount: 0,
      });
    },
  };
}

function stepStatefulSet(
  actor: Actor,
  set: KubeObject,
  wanted: number,
  revision: string,
  isCurrent: (pod: KubeObject) => boolean,
): void {
  const ordinal = (pod: KubeObject) => Number(pod.metadata.name.split('-').at(-1));
  const pods = livePods(actor, set).sort((a, b) => ordinal(b) - ordinal(a));
  const surplus = pods.find((pod) => ordinal(pod) >= wanted);
  const outdated = pods.find((pod) => !isCurrent(pod));
  if (surplus !== undefined) return actor.delete('/pods', surplus);
  const parallel = valueAt(set, 'spec', 'podManagementPolicy') === 'Parallel';
  const taken = new Set(actor.ownedBy('/pods', set).map(ordinal));
  for (let index = 0; index < wanted; index++) {
    if (taken.has(index)) continue;
    if (!parallel && !pods.every(isReady)) return;
    const name = `${set.metadata.name}-${index}`;
    const labels = {
      [hashLabel]: revision,
      'statefulset.kubernetes.io/pod-name': name,
      'apps.kubernetes.io/pod-index': String(index),
    };
    actor.create('/pods', podOf(set, name, labels));
    actor.event(set, 'Normal', 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} successful`);
    if (!parallel) return;
  }
  const onDelete = valueAt(set, 'spec', 'updateStrategy', 'type') === 'OnDelete';
  if (outdated !== undefined && !onDelete && (pods.every(isReady) || !isReady(outdated)))
    actor.delete('/pods', outdated);
}

/** One pod on the one node. */
export function daemonSetStand(actor: Actor): Stand {
  return {
    storage: daemonSets,
    wakes: wakesOwners(actor, daemonSets, 'DaemonSet', '/pods'),
    reconcile(set) {
      if (set === undefined || isGoing(set)) return;
      const hash = templateHash(set);
      for (const pod of livePods(actor, set)) {
        if (pod.metadata.labels?.[hashLabel] !== hash) actor.delete('/pods', pod);
      }
      const { pods } = scalePods(actor, set, 1, { [hashLabel]: hash });
      const ready = pods.filter(isReady).length;
      actor.setStatus(daemonSets, set, {
        currentNumberScheduled: pods.length,
        numberMisscheduled: 0,
        desiredNumberScheduled: 1,
        numberReady: ready,
        observedGeneration: set.metadata.generation,
        ...nonZero({ updatedNumberScheduled: pods.length, numberAvailable: ready, numberUnavailable: 1 - ready }),
      });
    },
  };
}
