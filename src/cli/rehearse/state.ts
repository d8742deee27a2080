import { isMillraceError } from '../../base/error.ts';
import { textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KindRef, type KubeObject } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';

/** What the objects of a delivery say at one moment. */
export interface State {
  sources: KubeObject[];
  kustomizations: KubeObject[];
  imageRepositories: KubeObject[];
  imagePolicies: KubeObject[];
  automations: KubeObject[];
  workloads: KubeObject[];
  pods: KubeObject[];
}

const kinds: Record<keyof State, readonly KindRef[]> = {
  sources: [{ apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' }],
  kustomizations: [{ apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' }],
  imageRepositories: [{ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageRepository' }],
  imagePolicies: [{ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImagePolicy' }],
  automations: [{ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageUpdateAutomation' }],
  workloads: [
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    { apiVersion: 'apps/v1', kind: 'StatefulSet' },
    { apiVersion: 'apps/v1', kind: 'DaemonSet' },
    { apiVersion: 'batch/v1', kind: 'CronJob' },
    { apiVersion: 'batch/v1', kind: 'Job' },
  ],
  pods: [{ apiVersion: 'v1', kind: 'Pod' }],
};

export async function readState(kube: KubeClient, signal: AbortSignal): Promise<State> {
  const entries = await Promise.all(
    Object.entries(kinds).map(async ([part, refs]) => {
      const lists = await Promise.all(refs.map((ref) => listed(kube, ref, signal)));
      return [part, lists.flat()];
    }),
  );
  return Object.fromEntries(entries) as State;
}

async function listed(kube: KubeClient, ref: KindRef, signal: AbortSignal): Promise<KubeObject[]> {
  try {
    return (await kube.list(ref, { signal })).items;
  } catch (error) {
    if (isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) return [];
    throw error;
  }
}

export function isSuspended(object: KubeObject): boolean {
  return valueAt(object, 'spec', 'suspend') === true;
}

interface Condition {
  status: string;
  reason: string;
  message: string;
}

export function readyOf(object: KubeObject): Condition | undefined {
  const conditions = valueAt(object, 'status', 'conditions');
  const found = Array.isArray(conditions) ? conditions.find((one) => textAt(one, 'type') === 'Ready') : undefined;
  if (found === undefined) return undefined;
  const field = (name: string) => textAt(found, name) ?? '';
  return { status: field('status'), reason: field('reason'), message: field('message') };
}

/** Whether its controller has seen the object as it is now, and is content with it. */
export function isReady(object: KubeObject): boolean {
  return (
    readyOf(object)?.status === 'True' && valueAt(object, 'status', 'observedGeneration') === object.metadata.generation
  );
}

/** What an object complains of, or waits for: `Kind/namespace/name: reason: message`. */
export function complaintOf(object: KubeObject): string {
  const ready = readyOf(object);
  return `${formatRef(object)}: ${ready === undefined ? 'not reconciled yet' : `${ready.reason}: ${ready.message}`}`;
}

/** Commit of `branch@sha1:…` in a field of the status. */
export function commitAt(object: KubeObject, ...path: string[]): string | undefined {
  return textAt(object, 'status', ...path)
    ?.split(':')
    .at(-1);
}

/** The containers' images of a workload's pods. */
export function imagesOf(workload: KubeObject): string[] {
  const template = workload.kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template'];
  return ['initContainers', 'containers'].flatMap((field) => {
    const containers = valueAt(workload, ...template, 'spec', field);
    return Array.isArray(containers) ? containers.flatMap((container) => textAt(container, 'image') ?? []) : [];
  });
}

/** Whether every pod of a workload is of its newest template and available; a CronJob has none that wait. */
export function isRolledOut(workload: KubeObject): boolean {
  const status = (field: string) => Number(valueAt(workload, 'status', field) ?? 0);
  if (workload.kind === 'CronJob') return true;
  if (workload.kind === 'Job') return status('succeeded') > 0;
  if (status('observedGeneration') !== workload.metadata.generation) return false;
  if (workload.kind === 'DaemonSet') return status('numberAvailable') >= status('desiredNumberScheduled');
  const wanted = Number(valueAt(workload, 'spec', 'replicas') ?? 1);
  return status('updatedReplicas') >= wanted && status('availableReplicas') >= wanted && status('replicas') === wanted;
}

/** Images that a node could not pull. */
export function unpulledImages({ pods }: Pick<State, 'pods'>): string[] {
  const images = pods.flatMap((pod) =>
    ['initContainerStatuses', 'containerStatuses'].flatMap((field) => {
      const statuses = valueAt(pod, 'status', field);
      if (!Array.isArray(statuses)) return [];
      return statuses
        .filter((status) => /ImagePull/.test(textAt(status, 'state', 'waiting', 'reason') ?? ''))
        .flatMap((status) => textAt(status, 'image') ?? []);
    }),
  );
  return [...new Set(images)];
}
