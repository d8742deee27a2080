import { isRecord, listAt, textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { formatRepository, type Repository } from '../../oci/reference.ts';
import { conditionOf } from '../condition.ts';
import { suspended, type TraceHop } from './hop.ts';
import { imagesOf, type Route, type TracedCluster } from './routes.ts';

/** `built` and `applied`: what the Kustomizations say of the source's revision, and the workloads of the tag. */
export function appliedHops(
  route: Route,
  image: Repository,
  tag: string,
  { newer, committedAt }: { newer: boolean; committedAt: string | undefined },
): TraceHop[] {
  const { kustomizations, workloads, source } = route;
  const revision = textAt(source, 'status', 'artifact', 'revision');
  const tags = tagsOf(workloads, image);
  if (tags.includes(tag)) {
    const holders = workloads.filter((workload) => tagsOf([workload], image).includes(tag));
    const builder = kustomizations.find((build) => textAt(build, 'status', 'lastAppliedRevision') === revision);
    const made = builder ?? kustomizations[0];
    const at = appliedAt(holders, builder, committedAt);
    const object = builder === undefined ? {} : { object: formatRef(builder) };
    return [
      { name: 'built', state: 'done', ...object, evidence: made === undefined ? '' : pathOf(made) },
      {
        name: 'applied',
        state: 'done',
        ...(at !== undefined && { at }),
        ...object,
        evidence: holders.map(formatRef).join(', '),
      },
    ];
  }
  if (newer && tags.length > 0) {
    const evidence = `${tags.join(', ')} has taken its place`;
    return [
      { name: 'built', state: 'unknown', evidence: '' },
      { name: 'applied', state: 'superseded', evidence },
    ];
  }
  return unappliedHops(kustomizations, revision, tags);
}

/**
 * When the tag was applied, as closely as anything has kept it: a Ready condition knows the last reconciliation only, the history of
 * a Kustomization (Flux 2.7) since when its content is what it is, a workload when it was last changed. What is too late by one is
 * nearer by another; nothing is applied before it is committed.
 */
function appliedAt(
  holders: readonly KubeObject[],
  builder: KubeObject | undefined,
  committedAt: string | undefined,
): string | undefined {
  const changed = holders.flatMap(({ metadata }) =>
    (metadata.managedFields ?? []).flatMap(({ operation, time }) => (operation === 'Apply' && time ? time : [])),
  );
  const since = textAt(builder, 'status', 'history', 0, 'firstReconciled');
  const ready = builder === undefined ? undefined : conditionOf(builder, 'Ready')?.since;
  // Objects keep whole seconds.
  const earliest = committedAt === undefined ? 0 : Math.floor(Date.parse(committedAt) / 1000) * 1000;
  return [...changed, since, ready]
    .flatMap((time) => (time !== undefined && Date.parse(time) >= earliest ? time : []))
    .sort()[0];
}

function unappliedHops(
  kustomizations: readonly KubeObject[],
  revision: string | undefined,
  tags: string[],
): TraceHop[] {
  const failing = kustomizations.find((build) => conditionOf(build, 'Ready')?.status === 'False');
  const paused = kustomizations.find((build) => valueAt(build, 'spec', 'suspend') === true);
  const builder = failing ?? paused ?? kustomizations[0];
  if (builder === undefined)
    return [
      { name: 'built', state: 'unknown', evidence: 'no Kustomization builds from the source' },
      { name: 'applied', state: 'unknown', evidence: `the workloads have ${tags.join(', ') || 'no such image'}` },
    ];
  const object = formatRef(builder);
  const ready = conditionOf(builder, 'Ready');
  const why = `${ready?.reason}: ${ready?.message}`;
  const waits = { state: 'waiting', object } as const;
  if (paused !== undefined && failing === undefined)
    return [
      { name: 'built', state: 'stopped', object, evidence: suspended },
      { name: 'applied', ...waits, evidence: 'for built' },
    ];
  if (failing === undefined) {
    const applied = textAt(builder, 'status', 'lastAppliedRevision') ?? 'nothing';
    const evidence =
      applied === revision ? `${applied} is applied, and does not have the tag` : `it has applied ${applied}`;
    const state = applied === revision ? 'stopped' : 'waiting';
    return [
      { name: 'built', ...waits, evidence },
      { name: 'applied', state, object, evidence },
    ];
  }
  if (/^(BuildFailed|ArtifactFailed|DependencyNotReady)$/.test(ready?.reason ?? ''))
    return [
      { name: 'built', state: 'stopped', object, evidence: why },
      { name: 'applied', ...waits, evidence: 'for built' },
    ];
  return [
    { name: 'built', state: 'done', object, evidence: pathOf(builder) },
    { name: 'applied', state: 'stopped', object, evidence: why },
  ];
}

/** `running`: whether the rollout of every workload with the tag is through. */
export function runningHop({ workloads }: Route, image: Repository, tag: string, cluster: TracedCluster): TraceHop {
  const name = 'running';
  const holders = workloads.filter((workload) => tagsOf([workload], image).includes(tag));
  if (workloads.length === 0) return { name, state: 'unknown', evidence: 'no workload uses the image' };
  if (holders.length === 0) {
    const tags = tagsOf(workloads, image);
    return { name, state: 'waiting', evidence: `${tags.join(', ')} runs` };
  }
  const pods = cluster.pods.filter((pod) =>
    imagesOf(pod).some((one) => one.repository === formatRepository(image) && one.tag === tag),
  );
  const readyPods = pods.filter((pod) => conditionOf(pod, 'Ready')?.status === 'True');
  const pending = holders.find((workload) => !isRolledOut(workload));
  if (pending === undefined) {
    const at = readyPods
      .flatMap((pod) => conditionOf(pod, 'Ready')?.since ?? [])
      .sort()
      .at(-1);
    const evidence = `${readyPods.length}/${pods.length} pods ready`;
    return {
      name,
      state: 'done',
      ...(at !== undefined && { at }),
      object: holders.map(formatRef).join(', '),
      evidence,
    };
  }
  const object = formatRef(pending);
  const fault = pods.map(podFault).find((found) => found !== undefined);
  if (fault !== undefined) return { name, state: 'stopped', object, evidence: fault };
  const refused = podRefusal(pending, cluster);
  if (pods.length === 0 && refused !== undefined) return { name, state: 'stopped', object, evidence: refused };
  const progress = conditionOf(pending, 'Progressing');
  const evidence = `${readyPods.length}/${pods.length} pods ready: ${progress?.message ?? 'rolling out'}`;
  return { name, state: progress?.reason === 'ProgressDeadlineExceeded' ? 'stopped' : 'waiting', object, evidence };
}

function tagsOf(workloads: readonly KubeObject[], image: Repository): string[] {
  const all = workloads.flatMap(imagesOf).filter(({ repository }) => repository === formatRepository(image));
  return [...new Set(all.flatMap(({ tag }) => tag ?? []))];
}

function pathOf(build: KubeObject): string {
  return `kustomize build ${textAt(build, 'spec', 'path') ?? './'}`;
}

function isRolledOut(workload: KubeObject): boolean {
  if (workload.kind === 'CronJob') return true;
  const status = (field: string) => Number(valueAt(workload, 'status', field) ?? 0);
  if (status('observedGeneration') !== workload.metadata.generation) return false;
  if (workload.kind === 'DaemonSet')
    return status('updatedNumberScheduled') === status('desiredNumberScheduled') && status('numberUnavailable') === 0;
  const replicas = Number(valueAt(workload, 'spec', 'replicas') ?? 1);
  const ready = workload.kind === 'StatefulSet' ? 'readyReplicas' : 'availableReplicas';
  return ['replicas', 'updatedReplicas', ready].every((field) => status(field) === replicas);
}

/** Why no pod can be made for a workload at all: a quota, an admission webhook, a missing ServiceAccount. */
function podRefusal({ metadata }: KubeObject, { events }: TracedCluster): string | undefined {
  const event = events.findLast((one) => {
    const about = valueAt(one, 'involvedObject');
    const name = textAt(about, 'name') ?? '';
    const isOwn = name === metadata.name || name.startsWith(`${metadata.name}-`);
    return isOwn && textAt(about, 'namespace') === metadata.namespace && textAt(one, 'reason') === 'FailedCreate';
  });
  if (event === undefined) return undefined;
  const about = valueAt(event, 'involvedObject');
  return `${textAt(about, 'kind')}/${textAt(about, 'namespace')}/${textAt(about, 'name')}: FailedCreate: ${textAt(event, 'message') ?? ''}`;
}

function podFault(pod: KubeObject): string | undefined {
  for (const status of listAt(pod, 'status', 'containerStatuses')) {
    const waiting = valueAt(status, 'state', 'waiting');
    const reason = textAt(waiting, 'reason') ?? '';
    if (isRecord(waiting) && /BackOff|Err|Invalid|CreateContainer/.test(reason))
      return `${formatRef(pod)}: ${reason}: ${textAt(waiting, 'message') ?? ''}`;
  }
  return undefined;
}
