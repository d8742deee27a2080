import { sleep, withDeadline } from '../base/deadline.ts';
import { isMillraceError, MillraceError } from '../base/error.ts';
import { formatRef, type KubeObject, type ObjectRef } from '../base/kube-object.ts';
import { compareBytes } from '../base/text.ts';
import type { KubeClient } from '../kube/client.ts';
import { isTransient } from '../kube/status-error.ts';
import type { Change } from './change-set.ts';
import { type Controls, kustomizeControls } from './controls.ts';
import { driftPointers, hasDrift } from './drift.ts';
import { type IgnoredPaths, withIgnoredFields, withoutPaths } from './ignore-rules.ts';
import { isImmutableError, mayRecreate } from './immutability.ts';
import { migrationPatch, takeoverPatch } from './managed-fields.ts';
import { comesWith, stagesOf } from './order.ts';
import { type Refusal, refusalOf, serverMessage } from './refusal.ts';
import { undeclaredFields, withoutFields } from './undeclared-fields.ts';
import { formatFailure, type HealthTarget, isSettled, unhealthyOf } from './wait.ts';

export interface ApplyOptions {
  client: KubeClient;
  /** Field manager, and the owner in event texts. */
  manager: string;
  /** Recreate objects whose change is refused because a field is immutable. */
  force: boolean;
  /** Dry runs side by side. Default 4. */
  concurrency?: number | undefined;
  customStageKinds?: ReadonlySet<string> | undefined;
  /** Fields that are left as they are in the cluster. */
  ignored?: IgnoredPaths | undefined;
  /** Further managers whose fields are taken over, by prefix. */
  overrideManagers?: readonly string[] | undefined;
  /** Rewrite the API version under which managers own fields of live objects to that of the manifest. */
  migrateApiVersion?: boolean | undefined;
  /** Marks that keep objects from being applied. Default: those of Kustomizations. */
  controls?: Controls | undefined;
  signal: AbortSignal;
}

/** An apply that stopped, with what was done before it did. */
export class ApplyFailure extends MillraceError {
  readonly changes: readonly Change[];
  /** The objects that are at fault; all of a stage where its dry run failed. */
  readonly refusals: readonly Refusal[];

  constructor(refusals: readonly Refusal[], changes: readonly Change[]) {
    const { cause } = refusals.find((refusal) => isTransient(refusal.cause)) ?? refusals[0] ?? {};
    super('APPLY_FAILED', refusals.map(({ message }) => message).join('\n'), { cause });
    this.changes = changes;
    this.refusals = refusals;
  }
}

/** How seldom a stage that takes its time is looked at, as Flux does. In milliseconds. */
const longestPollMs = 2_000;
/** How long definitions and namespaces may take to become ready before the next stage. In milliseconds. */
const stageTimeoutMs = 60_000;

interface Plan {
  desired: KubeObject;
  live: KubeObject | undefined;
  action: 'apply' | 'recreate' | 'unchanged' | 'skipped';
  /** Where the live object differs. */
  drift?: string[];
  /** Fields of the manifest that its kind does not have. */
  undeclared?: string[];
}

/**
 * Applies objects stage by stage. Within a stage every object is tried with a dry run first; if any is refused, none of the
 * stage is written, later stages are tried as well, and all refusals are reported together. Objects without drift are not
 * written (spec/kustomization.md §8). Throws ApplyFailure.
 */
export async function applyObjects(objects: readonly KubeObject[], options: ApplyOptions): Promise<Change[]> {
  const changes: Change[] = [];
  const stages = stagesOf(objects, options.customStageKinds);
  for (const [index, stage] of stages.entries()) {
    const { plans, refusals, isCutShort } = await planObjects(stage.objects, options);
    if (refusals.length > 0) {
      const later = isCutShort ? [] : stages.slice(index + 1).flatMap((next) => next.objects);
      throw new ApplyFailure([...refusals, ...(await refusalsOfLater(later, objects, options))], changes);
    }
    for (const plan of plans) changes.push(await carryOut(plan, options, changes));
    if (!stage.awaited) continue;
    const applied = plans.filter(({ action }) => action !== 'skipped').map(({ desired }) => desired);
    await waitForStage(applied, options, changes);
  }
  return changes;
}

interface StagePlan {
  plans: Plan[];
  refusals: Refusal[];
  /** The server could not be reached, so that not every object was tried. */
  isCutShort: boolean;
}

/** What applying would do, with nothing written. */
async function planObjects(objects: readonly KubeObject[], options: ApplyOptions): Promise<StagePlan> {
  const plans: Plan[] = [];
  const refusals: Refusal[] = [];
  let isCutShort = false;
  let next = 0;
  const lane = async () => {
    while (next < objects.length && !isCutShort) {
      const index = next++;
      const object = objects[index] as KubeObject;
      try {
        plans[index] = await planObject(object, options);
      } catch (cause) {
        options.signal.throwIfAborted();
        refusals.push(refusalOf(object, cause));
        // A server that does not answer would be waited for once for every object.
        isCutShort ||= isMillraceError(cause, 'HTTP_UNREACHABLE', 'DEADLINE_EXCEEDED');
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency ?? 4, objects.length) }, lane));
  refusals.sort((a, b) => compareBytes(a.message, b.message));
  return { plans, refusals, isCutShort };
}

/** Refusals that have a reason of their own: not that a definition or a namespace of the same revision is still to come. */
async function refusalsOfLater(
  later: readonly KubeObject[],
  all: readonly KubeObject[],
  options: ApplyOptions,
): Promise<Refusal[]> {
  const { refusals } = await planObjects(later, options);
  const isToCome = comesWith(all);
  return refusals.filter(({ object }) => !isToCome(object));
}

async function planObject(manifest: KubeObject, options: ApplyOptions): Promise<Plan> {
  const { client, signal, ignored, manager } = options;
  let live = await client.get(refOf(manifest), { signal });
  if (isSkipped(manifest, live, options)) return { desired: manifest, live, action: 'skipped' };
  const migration = options.migrateApiVersion === true ? migrationPatch(live, manifest) : undefined;
  if (migration !== undefined) {
    live = await client.patch(refOf(manifest), 'json', migration, { fieldManager: manager, signal });
  }
  const { desired, result, undeclared, refused } = await tryApply(manifest, options);
  const noted = undeclared.length === 0 ? {} : { undeclared };
  if (result === undefined) {
    if (live === undefined || !isImmutableError(refused) || !mayRecreate(desired, live, options.force)) throw refused;
    await tryCreation(desired, options);
    return { desired, live, action: 'recreate', ...noted };
  }
  if (live === undefined) return { desired, live, action: 'apply', ...noted };
  const paths = ignored?.(desired) ?? [];
  const [seen, wanted] = [withoutPaths(live, paths), withoutPaths(result, paths)];
  const isDrifted = hasDrift(seen, wanted);
  const isTakenOver = takeoverPatch(live, desired, options) !== undefined || migration !== undefined;
  if (!isDrifted && !isTakenOver) return { desired, live, action: 'unchanged' };
  const payload = paths.length === 0 ? desired : withIgnoredFields(desired, { live, dryRun: result }, paths, manager);
  return { desired: payload, live, action: 'apply', drift: isDrifted ? driftPointers(seen, wanted) : [], ...noted };
}

interface Trial {
  /** What to apply. */
  desired: KubeObject;
  undeclared: string[];
  /** Absent where it was refused. */
  result?: KubeObject;
  refused?: unknown;
}

/** A dry run. Fields that a built-in kind does not have are left out, as Flux leaves them out, and named. */
async function tryApply(manifest: KubeObject, { client, manager, signal }: ApplyOptions): Promise<Trial> {
  let desired = manifest;
  let undeclared: string[] = [];
  for (;;) {
    try {
      const result = await client.apply(desired, { fieldManager: manager, force: true, dryRun: true, signal });
      return { desired, undeclared, result };
    } catch (refused) {
      const found = undeclared.length === 0 ? undeclaredFields(manifest, refused) : [];
      if (found.length === 0) return { desired, undeclared, refused };
      undeclared = found;
      desired = withoutFields(manifest, found);
    }
  }
}

/** Before a live object is deleted: would the new one be accepted? Tried under another name, as this one is taken. */
async function tryCreation(desired: KubeObject, { client, manager, signal }: ApplyOptions): Promise<void> {
  const { name, ...metadata } = desired.metadata;
  const trial = { ...desired, metadata: { ...metadata, name: `${name.slice(0, 50)}-dry-run` } };
  try {
    await client.create(trial, { fieldManager: manager, dryRun: true, signal });
  } catch (error) {
    // An address or node port that the live object holds is free once that one is deleted.
    if (!/already allocated/.test(serverMessage(error))) throw error;
  }
}

function isSkipped(
  desired: KubeObject,
  live: KubeObject | undefined,
  { controls: { has } = kustomizeControls }: ApplyOptions,
): boolean {
  if (has(desired, 'reconcile', 'disabled')) return true;
  if (has(live, 'reconcile', 'disabled') && !has(desired, 'reconcile', 'enabled')) return true;
  if (has(desired, 'ssa', 'ignore') || has(live, 'ssa', 'ignore')) return true;
  return live !== undefined && has(desired, 'ssa', 'ifnotpresent');
}

async function carryOut(plan: Plan, options: ApplyOptions, done: readonly Change[]): Promise<Change> {
  const { desired, live, action, drift, undeclared } = plan;
  // What is unchanged or skipped is known by its live name and namespace, so that its inventory id never varies.
  if (action === 'unchanged' || action === 'skipped') return { object: live ?? desired, action };
  const { client, manager, signal } = options;
  try {
    if (action === 'recreate' && live !== undefined) await deleteAndWait(live, options);
    else if (live !== undefined) await takeOver(live, desired, options);
    const object = await client.apply(desired, { fieldManager: manager, force: true, signal });
    const isNew = live === undefined;
    const facts = { ...(drift === undefined ? {} : { drift }), ...(undeclared === undefined ? {} : { undeclared }) };
    return { object, action: isNew ? 'created' : 'configured', ...facts };
  } catch (cause) {
    signal.throwIfAborted();
    const what = isMillraceError(cause, 'APPLY_DELETE_FAILED')
      ? cause.message
      : `${formatRef(desired)} apply failed: ${serverMessage(cause)}`;
    throw new ApplyFailure([{ object: desired, message: what, cause, wasSent: true }], done);
  }
}

async function takeOver(live: KubeObject, desired: KubeObject, options: ApplyOptions): Promise<void> {
  const patch = takeoverPatch(live, desired, options);
  if (patch === undefined) return;
  const { client, manager, signal } = options;
  await client.patch(refOf(live), 'json', patch, { fieldManager: manager, signal });
}

async function deleteAndWait(object: KubeObject, { client, signal }: ApplyOptions): Promise<void> {
  const { uid } = object.metadata;
  try {
    await client.delete(refOf(object), { propagation: 'Background', signal, ...(uid === undefined ? {} : { uid }) });
    await withDeadline(signal, stageTimeoutMs, `deletion of ${formatRef(object)}`, async (inner) => {
      const isThere = async () => (await client.get(refOf(object), { signal: inner }))?.metadata.uid === uid;
      while (await isThere()) await sleep(200, inner);
    });
  } catch (cause) {
    signal.throwIfAborted();
    const message = `${formatRef(object)} immutable field detected, failed to delete object: ${serverMessage(cause)}`;
    throw new MillraceError('APPLY_DELETE_FAILED', message, { cause });
  }
}

/** Fails at once for what has failed for good: a stage is waited for with a worker in hand. */
async function waitForStage(
  objects: readonly KubeObject[],
  { client, signal }: ApplyOptions,
  done: readonly Change[],
): Promise<void> {
  const deadline = performance.now() + stageTimeoutMs;
  let targets: HealthTarget[] = objects.map(refOf);
  for (let pollMs = 100; ; pollMs = Math.min(longestPollMs, pollMs * 1.4)) {
    const unhealthy = await unhealthyOf(targets, { client, signal });
    targets = unhealthy.map(({ ref }) => ref);
    const [first] = targets;
    if (first === undefined) return;
    if (isSettled(unhealthy, true) || performance.now() > deadline) {
      const object = objects.find(({ kind, metadata }) => kind === first.kind && metadata.name === first.name);
      const message = formatFailure(unhealthy);
      throw new ApplyFailure(object === undefined ? [] : [{ object, message, cause: undefined }], done);
    }
    await sleep(pollMs, signal);
  }
}

export function refOf({ apiVersion, kind, metadata }: KubeObject): ObjectRef {
  const { name, namespace } = metadata;
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
