import { textAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { retry } from '../../base/retry.ts';
import { ClusterReader } from '../../diagnose/collect/reader.ts';
import { hopNames } from '../../diagnose/delivery/hops.ts';
import { type ClusterFinding, examineCluster } from '../../diagnose/doctor/examine.ts';
import { sandboxRoles } from '../up/sandbox-roles.ts';
import { commitSince, headOf, mergeOtherBranches, type RehearsedCommit } from './branches.ts';
import { formatImage, imageName, type TaggedImage } from './image-names.ts';
import { compareApplied, type ObjectChange, readApplied } from './object-diff.ts';
import { judge, type Outcome } from './outcome.ts';
import { Patience } from './patience.ts';
import { lookUntil, type Stage, type Start, watched } from './settle.ts';
import type { Note } from './stand-ins.ts';
import { isSuspended, type State } from './state.ts';

export interface ImageDelivery extends Outcome {
  image: string;
}

/** What the push of the images brought about. */
export interface Delivery {
  images: ImageDelivery[];
  commit: RehearsedCommit | undefined;
  objects: ObjectChange[];
  findings: ClusterFinding[];
  /** Complaints that no code explains. */
  unexplained: { object: string; message: string }[];
  notes: Note[];
}

interface Pushed {
  images: readonly TaggedImage[];
  /** What the registry had before. */
  present: readonly TaggedImage[];
}

/** Pushes the images and follows each until it runs or will not. */
export async function followImages(
  stage: Stage,
  start: Start,
  pushed: Pushed,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<Delivery> {
  const { kube, registries, standIns } = stage;
  const pushedMs = Date.now();
  for (const image of pushed.images) await registries.push(image, signal);
  const patience = new Patience();
  const progress = new Progress(pushedMs, pushed.images, onLine);
  const merged = new Set<string>();
  let outcomes: Outcome[] = [];
  let calm = 0;
  let isScanAsked = false;
  const { state, isInTime } = await lookUntil(stage, signal, async (seen, nowMs) => {
    if (!isScanAsked) await askForScans(stage, seen, pushed.images, signal);
    isScanAsked = true;
    patience.look(watched(seen), nowMs);
    patience.lookAtWorkloads(seen.workloads, nowMs);
    for (const branch of await mergeOtherBranches(stage, signal)) {
      merged.add(branch);
      await askFor(stage, stage.sync.source, signal);
    }
    const course = { pushedMs, nowMs, patience, headCommit: await headOf(stage, signal) };
    outcomes = pushed.images.map((image) =>
      judge(seen, { ...course, ...startOf(stage, start), ...tagsOf(image, pushed) }),
    );
    progress.show(outcomes);
    calm = outcomes.every(({ isDelivered, stopped }) => isDelivered || stopped !== undefined) ? calm + 1 : 0;
    return calm >= 2;
  });
  if (!isInTime) for (const outcome of outcomes) stopLate(outcome, stage.timeoutMs);
  const { findings, unexplained } = await examineCluster(
    new ClusterReader(kube, signal, sandboxRoles(stage.sandbox.access)),
  );
  const suspended = standIns.suspended();
  const isRehearsed = (object: string) => !suspended.has(object) && !isPolicyOfSuspended(object, state);
  return {
    images: pushed.images.map((image, index) => ({ image: formatImage(image), ...(outcomes[index] as Outcome) })),
    commit: await commitSince(stage, start.commit, signal),
    objects: compareApplied(start.applied, await readApplied(state.kustomizations, kube, signal)),
    findings: findings.filter(({ objects }) => objects.some(isRehearsed)),
    unexplained: unexplained.filter(({ object }) => isRehearsed(object)),
    notes: [...merged].map((branch) => ({
      what: `branch ${branch}`,
      why: 'merged by the rehearsal; in production the delivery waits for somebody to do so',
    })),
  };
}

function startOf({ sync }: Stage, { commit, broken }: Start) {
  return { baseCommit: commit, broken, source: formatRef(sync.source) };
}

function tagsOf(image: TaggedImage, { images, present }: Pushed) {
  const same = (one: TaggedImage) => imageName(one) === imageName(image);
  const tags = [...new Set([...present, ...images].filter(same).map(({ tag }) => tag))];
  return { image, tags, isInManifests: present.some((one) => same(one) && one.tag === image.tag) };
}

/** Without push events a scan would wait for its interval. */
async function askForScans(
  stage: Stage,
  { imageRepositories }: State,
  images: readonly TaggedImage[],
  signal: AbortSignal,
) {
  const names = new Set(images.map(imageName));
  for (const one of imageRepositories) {
    if (names.has(textAt(one, 'spec', 'image') ?? '') && !isSuspended(one)) await askFor(stage, one, signal);
  }
}

function askFor({ kube }: Stage, { apiVersion, kind, metadata }: KubeObject, signal: AbortSignal): Promise<KubeObject> {
  const { name, namespace = '' } = metadata;
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
  const ask = () =>
    kube.patch({ apiVersion, kind, namespace, name }, 'merge', { metadata: { annotations } }, { signal });
  return retry(ask, { attempts: 5, firstDelayMs: 50, maxDelayMs: 500, signal });
}

/** Tells every hop once. */
class Progress {
  readonly #shown = new Set<string>();
  readonly #sinceMs: number;
  readonly #images: readonly TaggedImage[];
  readonly #onLine: (line: string) => void;

  constructor(sinceMs: number, images: readonly TaggedImage[], onLine: (line: string) => void) {
    this.#sinceMs = sinceMs;
    this.#images = images;
    this.#onLine = onLine;
  }

  show(outcomes: readonly Outcome[]): void {
    for (const [index, { hops }] of outcomes.entries()) {
      for (const { name, detail } of hops) {
        const key = `${index} ${name}`;
        if (this.#shown.has(key)) continue;
        this.#shown.add(key);
        const which = this.#images.length > 1 ? `[${this.#images[index]?.repository}] ` : '';
        const seconds = ((Date.now() - this.#sinceMs) / 1000).toFixed(2);
        this.#onLine(`  ${name.padEnd(10)} +${seconds} s  ${which}${detail}`);
      }
    }
  }
}

function stopLate(outcome: Outcome, timeoutMs: number): void {
  if (outcome.isDelivered || outcome.stopped !== undefined) return;
  const hop = hopNames[outcome.hops.length] ?? 'running';
  outcome.stopped = { hop, why: `nothing was settled within ${timeoutMs / 1000} s` };
}

/** A policy without tags has nothing to complain of when its repository is not rehearsed. */
function isPolicyOfSuspended(object: string, { imagePolicies, imageRepositories }: State): boolean {
  const policy = imagePolicies.find((one) => formatRef(one) === object);
  const name = textAt(policy, 'spec', 'imageRepositoryRef', 'name');
  return imageRepositories.some((one) => one.metadata.name === name && isSuspended(one));
}
