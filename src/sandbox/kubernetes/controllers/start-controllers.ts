import type { Cluster } from '../kinds/cluster.ts';
import { createActor } from './actor.ts';
import { startControlLoop } from './control-loop.ts';
import { definitionStand, serveDefinitions } from './definitions.ts';
import { deploymentStand, replicaSetStand } from './deployments.ts';
import { eventRecorder } from './events.ts';
import { collectGarbage } from './garbage.ts';
import { cronJobStand, jobStand } from './jobs.ts';
import { kubeletStand, type PullImage } from './kubelet.ts';
import { namespaceStand } from './namespaces.ts';
import { daemonSetStand, statefulSetStand } from './ordered-sets.ts';
import { quotaStand } from './quotas.ts';

/** A fault of a stand-in concerns one object; the others go on. */
const ignore = () => {};

/** The controllers that are part of the API server: custom kinds. Returns how to stop them. */
export function startApiControllers(cluster: Cluster): () => void {
  const actor = actorFor(cluster, 'kube-apiserver');
  serveDefinitions(actor);
  const loop = startControlLoop(cluster.store, [definitionStand(actor)], ignore);
  return () => loop.close();
}

/** The stand-ins for the controller manager, the scheduler and the kubelet. Returns how to stop them. */
export function startClusterControllers(cluster: Cluster, caPem: string, pullImage: PullImage): () => void {
  const stopped = new AbortController();
  const manager = actorFor(cluster, 'kube-controller-manager');
  const kubelet = kubeletStand(
    actorFor(cluster, 'default-scheduler'),
    actorFor(cluster, 'kubelet'),
    pullImage,
    stopped.signal,
  );
  const stands = [
    namespaceStand(manager, caPem),
    deploymentStand(actorFor(cluster, 'deployment-controller', manager)),
    replicaSetStand(actorFor(cluster, 'replicaset-controller', manager)),
    statefulSetStand(actorFor(cluster, 'statefulset-controller', manager)),
    daemonSetStand(actorFor(cluster, 'daemonset-controller', manager)),
    jobStand(actorFor(cluster, 'job-controller', manager)),
    cronJobStand(actorFor(cluster, 'cronjob-controller', manager)),
    quotaStand(actorFor(cluster, 'resourcequota-controller', manager)),
    kubelet,
  ];
  const loop = startControlLoop(cluster.store, stands, ignore);
  const stopGarbage = collectGarbage(manager);
  return () => {
    stopped.abort();
    loop.close();
    stopGarbage();
  };
}

/** An actor; with `as`, one that writes under another's name and records events under its own. */
function actorFor(cluster: Cluster, component: string, as?: ReturnType<typeof createActor>) {
  const event = eventRecorder(cluster, component);
  return as === undefined ? createActor(cluster, component, event) : { ...as, event };
}
