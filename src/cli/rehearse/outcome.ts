import { textAt, valueAt } from '../../base/json.ts';
import { formatKey, formatRef, type KubeObject, keyOf } from '../../base/kube-object.ts';
import type { HopName } from '../../diagnose/delivery/hops.ts';
import { explainTags } from '../../images/explain-tags.ts';
import type { TagSelection } from '../../images/policy.ts';
import { formatImage, imageName, type TaggedImage } from './image-names.ts';
import type { Patience } from './patience.ts';
import { commitAt, complaintOf, imagesOf, isReady, isRolledOut, isSuspended, readyOf, type State } from './state.ts';

/** Whether a policy takes the tag, and if not, by which rule. */
export interface Choice {
  policy: string;
  chosen: boolean;
  /** What it chose instead. */
  latest: string | undefined;
  reason: string | undefined;
}

/** How far an image has come. */
export interface Outcome {
  hops: { name: HopName; detail: string }[];
  choices: Choice[];
  /** Set when it will come no further. */
  stopped: { hop: HopName; why: string } | undefined;
  isDelivered: boolean;
}

/** What is known of a rehearsal besides the objects. */
export interface Course {
  image: TaggedImage;
  /** Tags of the image that the registry has. */
  tags: readonly string[];
  /** When the tag was pushed, milliseconds since the epoch. */
  pushedMs: number;
  /** The commit that the source's branch had before the push, and has now. */
  baseCommit: string;
  headCommit: string;
  /** `Kind/namespace/name` of the source that the tree comes by. */
  source: string;
  /** Kustomizations that did not work before the push: they cannot be waited for. */
  broken: ReadonlySet<string>;
  /** Whether the manifests named the tag before it was pushed. */
  isInManifests: boolean;
  patience: Patience;
  nowMs: number;
}

/** How long after a scan a policy has made up its mind, and how long after a choice an automation has. Milliseconds. */
const policyMs = 1_500;
const automationMs = 4_000;

/** Reads from the objects how far the image has come. It looks at one moment only; ask again while nothing is settled. */
export function judge(state: State, course: Course): Outcome {
  const outcome: Outcome = { hops: [], choices: [], stopped: undefined, isDelivered: false };
  const done = (name: HopName, detail: string) => void outcome.hops.push({ name, detail });
  const stop = (hop: HopName, why: string) => {
    outcome.stopped = { hop, why };
    return outcome;
  };
  const { image, patience, nowMs, pushedMs } = course;
  done('pushed', formatImage(image));

  const repositories = state.imageRepositories.filter((one) => textAt(one, 'spec', 'image') === imageName(image));
  if (repositories.length === 0) return stop('scanned', `no ImageRepository scans ${imageName(image)}`);
  const scanned = repositories.filter((one) => hasScanned(one, image.tag, pushedMs));
  if (scanned.length === 0) {
    const stuck = repositories.find((one) => isSuspended(one) || patience.isOver(one));
    return stuck === undefined
      ? outcome
      : stop('scanned', isSuspended(stuck) ? `${formatRef(stuck)} is suspended` : complaintOf(stuck));
  }
  done('scanned', `${valueAt(scanned[0], 'status', 'lastScanResult', 'tagCount')} tags in ${imageName(image)}`);

  const policies = state.imagePolicies.filter((policy) => scanned.some((one) => refersTo(policy, one)));
  if (policies.length === 0) return stop('chosen', `no ImagePolicy refers to ${formatRef(scanned[0] as KubeObject)}`);
  outcome.choices = policies.map((policy) => choiceOf(policy, course));
  const choosing = policies.filter((policy) => textAt(policy, 'status', 'latestRef', 'tag') === image.tag);
  if (choosing.length === 0) {
    if (nowMs - pushedMs < policyMs) return outcome;
    const [first] = outcome.choices;
    return stop('chosen', `ImagePolicy ${first?.policy}: ${first?.reason ?? 'not chosen'}`);
  }
  done('chosen', choosing.map((policy) => formatRef(policy)).join(', '));
  return judgeCommit(state, course, outcome, choosing, done, stop);
}

type Done = (name: HopName, detail: string) => void;
type Stop = (hop: HopName, why: string) => Outcome;

function judgeCommit(state: State, course: Course, outcome: Outcome, choosing: KubeObject[], done: Done, stop: Stop) {
  const { baseCommit, headCommit, isInManifests, patience, nowMs, pushedMs } = course;
  if (headCommit === baseCommit) {
    if (isInManifests) {
      done('committed', 'nothing to commit: the manifests name the tag already');
    } else {
      const automations = state.automations.filter((one) => choosing.some((policy) => isInReach(one, policy)));
      if (automations.length === 0)
        return stop('committed', 'no ImageUpdateAutomation is in the namespace of the policy');
      const stuck = automations.find((one) => patience.isOver(one) || isSuspended(one));
      if (stuck !== undefined)
        return stop('committed', isSuspended(stuck) ? `${formatRef(stuck)} is suspended` : complaintOf(stuck));
      if (nowMs - pushedMs < automationMs || !automations.every(isReady)) return outcome;
      return stop('committed', nothingMarked(automations, choosing));
    }
  } else {
    done('committed', headCommit.slice(0, 7));
  }
  const source = state.sources.find((one) => formatRef(one) === course.source);
  if (source === undefined || commitAt(source, 'artifact', 'revision') !== headCommit) {
    return source !== undefined && patience.isOver(source) ? stop('fetched', complaintOf(source)) : outcome;
  }
  done('fetched', textAt(source, 'status', 'artifact', 'revision') ?? '');
  return judgeApply(state, course, outcome, source, done, stop);
}

function judgeApply(state: State, course: Course, outcome: Outcome, source: KubeObject, done: Done, stop: Stop) {
  const { headCommit, broken, patience, image } = course;
  const own = state.kustomizations.filter(
    (one) => isOf(one, source) && !isSuspended(one) && !broken.has(formatRef(one)),
  );
  const failing = own.find((one) => patience.isOver(one));
  const isBuilt = own.every((one) => commitAt(one, 'lastAttemptedRevision') === headCommit);
  if (!isBuilt) return failing === undefined ? outcome : stop('built', complaintOf(failing));
  done('built', `${own.length} ${own.length === 1 ? 'Kustomization' : 'Kustomizations'}`);
  const workloads = state.workloads.filter((one) => imagesOf(one).includes(formatImage(image)));
  const isApplied = own.every((one) => commitAt(one, 'lastAppliedRevision') === headCommit);
  if (!isApplied && failing !== undefined) return stop('applied', complaintOf(failing));
  const late = workloads.find((one) => !isRolledOut(one) && patience.isOverForWorkload(one));
  if (!isApplied) return late === undefined ? outcome : stop('running', waitingPod(state, late));
  done('applied', workloads.map(formatRef).join(', ') || 'no workload of a kind that is known names it');
  if (workloads.every(isRolledOut)) {
    if (workloads.length > 0) done('running', workloads.map(formatRef).join(', '));
    outcome.isDelivered = true;
    return outcome;
  }
  return late === undefined ? outcome : stop('running', waitingPod(state, late));
}

function hasScanned(repository: KubeObject, tag: string, pushedMs: number): boolean {
  const tags = valueAt(repository, 'status', 'lastScanResult', 'latestTags');
  if (Array.isArray(tags) && tags.includes(tag)) return true;
  const scanned = Date.parse(textAt(repository, 'status', 'lastScanResult', 'scanTime') ?? '');
  return readyOf(repository)?.status === 'True' && scanned > pushedMs;
}

function refersTo(policy: KubeObject, { metadata }: KubeObject): boolean {
  const namespace = textAt(policy, 'spec', 'imageRepositoryRef', 'namespace') ?? policy.metadata.namespace;
  return textAt(policy, 'spec', 'imageRepositoryRef', 'name') === metadata.name && namespace === metadata.namespace;
}

function choiceOf(policy: KubeObject, { image, tags }: Course): Choice {
  const latest = textAt(policy, 'status', 'latestRef', 'tag');
  const chosen = latest === image.tag;
  const { rejected, error } = explainTags(valueAt(policy, 'spec') as TagSelection, tags);
  const reason = isSuspended(policy) ? 'it is suspended' : rejected.find(({ tag }) => tag === image.tag)?.reason;
  return {
    policy: formatKey(keyOf(policy)),
    chosen,
    latest,
    reason: chosen ? undefined : `${image.tag} ${(reason ?? error ?? '').trim()}`,
  };
}

function isInReach(automation: KubeObject, policy: KubeObject): boolean {
  return automation.metadata.namespace === policy.metadata.namespace;
}

function nothingMarked(automations: KubeObject[], choosing: KubeObject[]): string {
  const where = automations
    .map((one) => `${formatRef(one)} below ${textAt(one, 'spec', 'update', 'path') ?? './'}`)
    .join(', ');
  const names = choosing.map((policy) => `${policy.metadata.namespace}:${policy.metadata.name}`).join(' or ');
  return `${where} found nothing to change: no marker there names ${names}`;
}

function isOf(kustomization: KubeObject, source: KubeObject): boolean {
  const field = (name: string) => textAt(kustomization, 'spec', 'sourceRef', name);
  return (
    field('kind') === source.kind &&
    field('name') === source.metadata.name &&
    (field('namespace') ?? kustomization.metadata.namespace) === source.metadata.namespace
  );
}

/** Why the pods of a workload do not come up. */
function waitingPod({ pods }: State, workload: KubeObject): string {
  for (const pod of pods.filter(({ metadata }) => metadata.namespace === workload.metadata.namespace)) {
    if (!pod.metadata.name.startsWith(workload.metadata.name)) continue;
    const reason = textAt(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'reason');
    const message = textAt(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'message');
    if (reason !== undefined) return `${formatRef(pod)}: ${reason}: ${message ?? ''}`;
  }
  return `${formatRef(workload)} is not rolled out`;
}
