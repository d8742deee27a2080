import { sleep, withDeadline } from '../base/deadline.ts';
import { errorMessage, MillraceError } from '../base/error.ts';
import { deepEqual } from '../base/json.ts';
import { formatRef, type KubeObject, type ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { isKubeReason, kubeStatusOf } from '../kube/status-error.ts';
import type { Change } from './change-set.ts';
import { hasControl } from './controls.ts';
import { statusOf } from './kstatus.ts';
import { stagesOf } from './order.ts';

export interface ApplyOptions {
  client: KubeClient;
  /** Field manager, and the owner in event texts. */
  manager: string;
  /** Recreate objects whose change is refused because a field is immutable. */
  force: boolean;
  /** Dry runs side by side. */
  concurrency?: number;
  customStageKinds?: ReadonlySet<string>;
  signal: AbortSignal;
}

/** An apply that stopped, with what was done before it did. */
export class ApplyFailure extends MillraceError {
  readonly changes: readonly Change[];

  constructor(message: string, changes: readonly Change[], cause: unknown) {
    super('APPLY_FAILED', message, { cause });
    this.changes = changes;
  }
}

/** How long definitions and namespaces may take to become ready before the next stage. In milliseconds. */
const stageTimeoutMs = 60_000;

interface Plan {
  desired: KubeObject;
  live: KubeObject | undefined;
  action: 'apply' | 'unchanged' | 'skipped';
}

/**
 * Applies objects stage by stage. Within a stage every object is tried with a dry run first; if any is refused, none of the stage
 * is written and all refusals are reported together. Objects without drift are not written (spec/kustomization.md §8).
 * Throws ApplyFailure.
 */
export async function applyObjects(objects: readonly KubeObject[], options: ApplyOptions): Promise<Change[]> {
  const changes: Change[] = [];
  for (const stage of stagesOf(objects, options.customStageKinds)) {
    const plans = await planStage(stage.objects, options, changes);
    for (const plan of plans) changes.push(await carryOut(plan, options, changes));
    if (stage.awaited) await waitForStage(stage.objects, options, changes);
  }
  return changes;
}

async function planStage(
  objects: readonly KubeObject[],
  options: ApplyOptions,
  done: readonly Change[],
): Promise<Plan[]> {
  const plans: Plan[] = [];
  const refusals: { message: string; cause: unknown }[] = [];
  await inParallel(objects, options.concurrency ?? 4, async (object, index) => {
    try {
      plans[index] = await planObject(object, options);
    } catch (cause) {
      options.signal.throwIfAborted();
      refusals.push({ message: refusalOf(object, cause), cause });
    }
  });
  const [first] = refusals;
  if (first !== undefined) {
    const message = refusals
      .map((refusal) => refusal.message)
      .sort()
      .join('\n');
    throw new ApplyFailure(message, done, first.cause);
  }
  return plans;
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}

async function planObject(desired: KubeObject, options: ApplyOptions): Promise<Plan> {
  const { client, manager, signal } = options;
  const live = await client.get(refOf(desired), { signal });
  if (isSkipped(desired, live)) return { desired, live, action: 'skipped' };
  const attempt = () => client.apply(desired, { fieldManager: manager, force: true, dryRun: true, signal });
  const result = await attempt().catch(async (error: unknown) => {
    const mayRecreate = options.force || hasControl(desired, 'force', 'enabled');
    if (live === undefined || !mayRecreate || !isImmutableError(error)) throw error;
    await deleteAndWait(live, options);
    return undefined;
  });
  if (result === undefined) return { desired, live: undefined, action: 'apply' };
  if (live === undefined) return { desired, live, action: 'apply' };
  return { desired, live, action: hasDrift(live, result) ? 'apply' : 'unchanged' };
}

function isSkipped(desired: KubeObject, live: KubeObject | undefined): boolean {
  if (hasControl(desired, 'reconcile', 'disabled')) return true;
  if (hasControl(live, 'reconcile', 'disabled') && !hasControl(desired, 'reconcile', 'enabled')) return true;
  if (hasControl(desired, 'ssa', 'ignore') || hasControl(live, 'ssa', 'ignore')) return true;
  return live !== undefined && hasControl(desired, 'ssa', 'ifnotpresent');
}

/** Whether applying would change anything that is asked for: labels, annotations, everything outside of metadata and status. */
export function hasDrift(live: KubeObject, dryRun: KubeObject): boolean {
  const seen = ({ metadata, status: _s, ...rest }: KubeObject) => ({
    ...rest,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  });
  return !deepEqual(seen(live), seen(dryRun));
}

/**
 * Whether the server refuses because a field may not change. An ordinary validation error is none, so that it never deletes a
 * live object (fluxcd/kustomize-controller issue 734).
 */
export function isImmutableError(error: unknown): boolean {
  const message = kubeStatusOf(error)?.message ?? errorMessage(error);
  const isRefusal = isKubeReason(error, 'Invalid', 'Forbidden', 'Conflict');
  return (
    isRefusal &&
    /immutable|cannot change roleRef|may not change once set|updates to statefulset spec for fields other than/i.test(
      message,
    )
  );
}

async function deleteAndWait(object: KubeObject, { client, signal }: ApplyOptions): Promise<void> {
  await client.delete(refOf(object), { propagation: 'Background', signal });
  await withDeadline(signal, stageTimeoutMs, `deletion of ${formatRef(object)}`, async (inner) => {
    while ((await client.get(refOf(object), { signal: inner })) !== undefined) await sleep(200, inner);
  });
}

async function carryOut(
  { desired, live, action }: Plan,
  options: ApplyOptions,
  done: readonly Change[],
): Promise<Change> {
  if (action !== 'apply') return { object: desired, action };
  try {
    const object = await options.client.apply(desired, {
      fieldManager: options.manager,
      force: true,
      signal: options.signal,
    });
    return { object, action: live === undefined ? 'created' : 'configured' };
  } catch (cause) {
    options.signal.throwIfAborted();
    throw new ApplyFailure(`${formatRef(desired)} apply failed: ${serverMessage(cause)}`, done, cause);
  }
}

async function waitForStage(
  objects: readonly KubeObject[],
  { client, signal }: ApplyOptions,
  done: readonly Change[],
): Promise<void> {
  try {
    await withDeadline(signal, stageTimeoutMs, 'waiting for definitions and namespaces', async (inner) => {
      for (const object of objects) {
        for (;;) {
          const live = await client.get(refOf(object), { signal: inner });
          if (live !== undefined && statusOf(live).status === 'Current') break;
          await sleep(100, inner);
        }
      }
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new ApplyFailure(errorMessage(cause), done, cause);
  }
}

/** `<obj> dry-run failed (<Reason>): <message>` (spec/kustomization.md §8.3). */
function refusalOf(object: KubeObject, error: unknown): string {
  const ref = formatRef(object);
  const status = kubeStatusOf(error);
  if (isKubeReason(error, 'NotFound')) {
    const noNamespace = object.metadata.namespace === undefined && /namespace/.test(status?.message ?? '');
    return `${ref} ${noNamespace ? 'namespace not specified' : 'not found'}: ${serverMessage(error)}`;
  }
  const reason = status?.reason === undefined || status.reason === '' ? '' : ` (${status.reason})`;
  return `${ref} dry-run failed${reason}: ${serverMessage(error)}`;
}

function serverMessage(error: unknown): string {
  return kubeStatusOf(error)?.message ?? errorMessage(error);
}

export function refOf({ apiVersion, kind, metadata }: KubeObject): ObjectRef {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  };
}
