import { setMaxListeners } from 'node:events';
import { formatTime } from '../../base/clock.ts';
import { sleep, withDeadline } from '../../base/deadline.ts';
import { isMillraceError } from '../../base/error.ts';
import { textAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import type { Git } from '../../git/program.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ControllersProcess } from '../up/controllers.ts';
import { headOf } from './branches.ts';
import { parseTaggedImage } from './image-names.ts';
import { type Applied, readApplied } from './object-diff.ts';
import { Patience } from './patience.ts';
import type { Registries } from './registries.ts';
import type { StandIns } from './stand-ins.ts';
import { isReady, isRolledOut, isSuspended, readState, readyOf, type State, unpulledImages } from './state.ts';
import type { Sync } from './sync.ts';

/** A sandbox with the tree in it. */
export interface Stage {
  sandbox: Sandbox;
  kube: KubeClient;
  git: Git;
  registries: Registries;
  standIns: StandIns;
  controllers: ControllersProcess;
  /** Name of the repository in the embedded git server. */
  repository: string;
  sync: Sync;
  timeoutMs: number;
}

/** The cluster before the push: what works does, the rest will not. */
export interface Start {
  /** Kustomizations that do not work, `Kind/namespace/name`. */
  broken: Set<string>;
  applied: Applied;
  commit: string;
}

const pauseMs = 200;

/** Waits until everything that the tree makes is there and content, or has been complaining of the same for a while. */
export async function settle(stage: Stage, signal: AbortSignal, onLine: (line: string) => void): Promise<Start> {
  const patience = new Patience();
  let calm = 0;
  const { state } = await lookUntil(stage, signal, (seen, now) => {
    patience.look(watched(seen), now);
    patience.lookAtWorkloads(seen.workloads, now);
    calm = isSettled(seen, patience) ? calm + 1 : 0;
    return calm >= 3;
  });
  const active = state.kustomizations.filter((one) => !isSuspended(one));
  const broken = new Set(active.filter((one) => !isReady(one)).map(formatRef));
  const works = `${active.length - broken.size} of ${active.length} Kustomizations`;
  onLine(`synchronised ${works}, ${state.workloads.length} workloads`);
  const applied = await readApplied(state.kustomizations, stage.kube, signal);
  return { broken, applied, commit: await headOf(stage, signal) };
}

/** Objects that say of themselves whether they are well. */
export function watched(state: State): KubeObject[] {
  const { sources, kustomizations, imageRepositories, imagePolicies, automations } = state;
  return [...sources, ...kustomizations, ...imageRepositories, ...imagePolicies, ...automations];
}

function isSettled(state: State, patience: Patience): boolean {
  const settled = (one: KubeObject) => isSuspended(one) || isReady(one) || patience.isOver(one);
  const rolledOut = (one: KubeObject) => isRolledOut(one) || patience.isOverForWorkload(one);
  return state.kustomizations.length > 0 && watched(state).every(settled) && state.workloads.every(rolledOut);
}

/**
 * Looks at the cluster until `decide` says that it has seen enough, or the time is up, and does meanwhile what the world outside
 * does in production. Returns the last look.
 */
export async function lookUntil(
  stage: Stage,
  signal: AbortSignal,
  decide: (state: State, nowMs: number) => boolean | Promise<boolean>,
): Promise<{ state: State; isInTime: boolean }> {
  const { kube, controllers, timeoutMs } = stage;
  let state = await readState(kube, signal);
  const looking = async (inner: AbortSignal) => {
    // A look asks for every kind at once.
    setMaxListeners(0, inner);
    for (;;) {
      state = await readState(kube, inner);
      await actForOutside(stage, state, inner);
      if (await decide(state, Date.now())) return;
      await sleep(pauseMs, inner);
    }
  };
  try {
    await Promise.race([withDeadline(signal, timeoutMs, 'the rehearsal', looking), controllers.failed]);
    return { state, isInTime: true };
  } catch (cause) {
    if (!isMillraceError(cause, 'DEADLINE_EXCEEDED')) throw cause;
    return { state, isInTime: false };
  }
}

/** Images that the tree runs and nobody named are in the real registry; what is not rehearsed is well in the real cluster. */
async function actForOutside(stage: Stage, state: State, signal: AbortSignal): Promise<void> {
  const { registries, standIns, kube } = stage;
  for (const text of unpulledImages(state)) {
    const image = parseTaggedImage(text);
    if (image !== undefined && registries.isHere(image.host)) await registries.push(image, signal);
  }
  for (const ref of standIns.suspended().values()) {
    if (ref.kind === 'ImageRepository') continue;
    const object = await kube.get(ref, { signal });
    const revision = object === undefined ? undefined : revisionOf(object, state);
    if (object === undefined || isWell(object, revision)) continue;
    const body = { status: wellStatus(object, revision) };
    await kube.patch(ref, 'merge', body, { signal, subresource: 'status' }).catch((error: unknown) => {
      // Somebody else has just written it: the next look tries again.
      if (!isMillraceError(error, 'KUBE_CONFLICT')) throw error;
    });
  }
}

const notRehearsed = 'NotRehearsed';

function isWell(object: KubeObject, revision: string | undefined): boolean {
  const isTold = readyOf(object)?.reason === notRehearsed && isReady(object);
  return isTold && textAt(object, 'status', 'lastAppliedRevision') === revision;
}

/** What a Kustomization would have applied by now: those that depend on it compare revisions. */
function revisionOf(object: KubeObject, { sources }: State): string | undefined {
  if (object.kind !== 'Kustomization') return undefined;
  const name = textAt(object, 'spec', 'sourceRef', 'name');
  const namespace = textAt(object, 'spec', 'sourceRef', 'namespace') ?? object.metadata.namespace;
  const source = sources.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  return textAt(source, 'status', 'artifact', 'revision');
}

function wellStatus({ metadata: { generation } }: KubeObject, revision: string | undefined): unknown {
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: notRehearsed,
    message: 'left alone by the rehearsal and taken as well',
    observedGeneration: generation,
    lastTransitionTime: formatTime(Date.now()),
  };
  return {
    observedGeneration: generation,
    conditions: [condition],
    ...(revision !== undefined && { lastAppliedRevision: revision }),
  };
}
