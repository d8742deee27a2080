import { FluxInstance } from '../../api/flux-instance.ts';
import { kindRef } from '../../api/kind.ts';
import { ApplyFailure } from '../../apply/apply-objects.ts';
import { type Change, formatChanges } from '../../apply/change-set.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { sha256Hex } from '../../base/digest.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError, MillraceError } from '../../base/error.ts';
import { deepEqual } from '../../base/json.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import {
  getCondition,
  markReconciling,
  markStalled,
  removeConditions,
  setCondition,
} from '../../runtime/conditions.ts';
import {
  type Controller,
  done,
  type Change as ObjectChange,
  type Outcome,
  type ReconcileContext,
} from '../../runtime/controller.ts';
import { addFinalizer, removeFinalizer } from '../../runtime/finalizer.ts';
import { withJitter } from '../../runtime/interval.ts';
import { requestedAt } from '../../runtime/request.ts';
import { createStatusPatcher, type StatusPatcher } from '../../runtime/status-patch.ts';
import { durationOf, forceRequest, isDisabled } from './annotations.ts';
import { imageOf, imagesOf } from './components.ts';
import { type FluxInstanceDeps, operatorFinalizer, operatorName } from './deps.ts';
import { recordInstall } from './history.ts';
import { install, waitUntilHealthy } from './install.ts';
import { migrateResources } from './migrate.ts';
import { type Rendered, renderInstance } from './render/render.ts';
import { requestReport } from './report/request-report.ts';
import { fluxRelease, settingsOf } from './settings.ts';
import { uninstall } from './uninstall.ts';
import { checkVersion } from './version.ts';

const defaultIntervalMs = 60 * 60_000;
/** A build that failed is tried again after this time: what it needs may have come, and nobody edits the object for it. */
const stalledRetryMs = 10 * 60_000;

/** Installs the controllers that a FluxInstance asks for, and keeps them so (spec/instance.md). */
export function createFluxInstanceController(deps: FluxInstanceDeps): Controller {
  return {
    name: operatorName,
    kind: kindRef(FluxInstance),
    concurrency: 1,
    triggers: isTrigger,
    reconcile: (key, context) => reconcile(key, deps, context),
  };
}

/** A new generation, the start of a deletion, or any change of the annotations. */
function isTrigger({ before, after }: ObjectChange): boolean {
  if (before === undefined || after === undefined) return true;
  const [was, is] = [before.metadata, after.metadata];
  return (
    was.generation !== is.generation ||
    was.deletionTimestamp !== is.deletionTimestamp ||
    !deepEqual(was.annotations ?? {}, is.annotations ?? {})
  );
}

interface Run {
  object: FluxInstance;
  deps: FluxInstanceDeps;
  patcher: StatusPatcher;
  clock: Clock;
  startedMs: number;
  context: ReconcileContext;
}

async function reconcile(key: ObjectKey, deps: FluxInstanceDeps, context: ReconcileContext): Promise<Outcome> {
  const { client, clock = systemClock } = deps;
  const { signal, logger } = context;
  const object = await client.get<FluxInstance>({ ...kindRef(FluxInstance), ...key }, { signal });
  if (object === undefined) return done;
  const patcher = createStatusPatcher(client, object, operatorName);
  const run: Run = { object, deps, patcher, clock, startedMs: clock.now(), context };
  const finalizer = { signal, fieldManager: operatorName, finalizer: operatorFinalizer };
  if (object.metadata.deletionTimestamp !== undefined) {
    await uninstall(object, deps, { signal, logger });
    await removeFinalizer(client, object, finalizer);
    return done;
  }
  const isNew = await addFinalizer(client, object, finalizer);
  try {
    if (isDisabled(object)) return await rest(run, isNew);
    return await carryOut(run);
  } finally {
    if (!signal.aborted)
      await requestReport(client, key.namespace, clock, signal).catch((error) => logger.warn('no report', { error }));
  }
}

async function rest({ object, deps, patcher, clock, context }: Run, isNew: boolean): Promise<Outcome> {
  if (isNew) {
    const message = 'Initialized with reconciliation suspended';
    setCondition(object, { type: 'Ready', status: 'True', reason: 'ReconciliationDisabled', message }, clock);
  }
  deps.events.event(object, 'Warning', 'ReconciliationDisabled', 'Reconciliation is disabled');
  await finish(object, patcher, context.signal);
  return done;
}

async function carryOut(run: Run): Promise<Outcome> {
  const { object, deps, patcher, clock, context } = run;
  const { signal } = context;
  setReady(run, 'Unknown', 'Progressing', 'Reconciliation in progress');
  markReconciling(object, 'Progressing', 'Reconciliation in progress', clock);
  await patcher.patch(object, { signal });
  let rendered: Rendered;
  try {
    rendered = build(run);
  } catch (error) {
    return buildFailed(run, error);
  }
  announce(run, rendered);
  try {
    const facts = { object, objects: rendered.objects, patcher, deps, signal };
    const changes = await install(facts);
    if (object.spec.wait && !(await waitUntilHealthy(facts, context.superseded))) return await superseded(run);
    const force = forceRequest(object);
    if (object.spec.migrateResources) {
      await migrateResources({ client: deps.client, force: force !== undefined, logger: context.logger, signal });
    }
    if (force !== undefined) object.status = { ...object.status, lastHandledForceAt: force };
    return await succeed(run, rendered, changes);
  } catch (error) {
    signal.throwIfAborted();
    return failed(run, rendered, error);
  }
}

function build({ object, deps }: Run): Rendered {
  checkVersion(object.spec.distribution.version, object.status?.lastAppliedRevision);
  return renderInstance(settingsOf(object), imageOf(object, deps));
}

function announce({ object, deps }: Run, { revision, idlePatches }: Rendered): void {
  const { unserved } = settingsOf(object);
  if (unserved.length > 0) {
    const message = `not served by Millrace, so not installed: ${unserved.join(', ')}`;
    deps.events.event(object, 'Warning', 'ComponentsNotServed', message);
  }
  if (idlePatches.length > 0) deps.events.event(object, 'Warning', 'PatchWithoutTarget', idlePatches.join('\n'));
  const { lastAttemptedRevision } = object.status ?? {};
  if (lastAttemptedRevision === revision) return;
  const verb = lastAttemptedRevision === undefined ? 'Installing' : 'Upgrading to';
  deps.events.event(object, 'Normal', 'Progressing', `${verb} revision ${revision}`);
  object.status = { ...object.status, lastAttemptedRevision: revision };
}

async function succeed(
  run: Run,
  { objects, revision, idlePatches }: Rendered,
  changes: readonly Change[],
): Promise<Outcome> {
  const { object, deps, patcher, clock, startedMs, context } = run;
  const tookMs = clock.now() - startedMs;
  const took = tookMs < 1000 ? `${tookMs}ms` : formatDuration(Math.round(tookMs / 1000) * 1000);
  const message = [`Reconciliation finished in ${took}`, ...idlePatches].join('; ');
  removeConditions(object, 'Reconciling', 'Stalled');
  setReady(run, 'True', 'ReconciliationSucceeded', message);
  const isUpdate = object.status?.lastAppliedRevision !== undefined;
  object.status = { ...object.status, lastAppliedRevision: revision, components: imagesOf(objects) };
  const facts = { outcome: 'ReconciliationSucceeded', version: `v${fluxRelease}`, startedMs, nowMs: clock.now() };
  recordInstall(object, { ...facts, digest: digestOf(revision) });
  await finish(object, patcher, context.signal);
  const text = formatChanges(changes);
  if (text !== '') {
    const title = `Flux v${fluxRelease} ${isUpdate ? 'updated' : 'installed'}`;
    deps.events.event(object, 'Normal', 'ReconciliationSucceeded', `${title}\n${text}`, revisionOf(revision));
  }
  return { requeueAfterMs: withJitter(durationOf(object, 'reconcileEvery', defaultIntervalMs)) };
}

async function buildFailed(run: Run, error: unknown): Promise<Outcome> {
  const { object, patcher, deps, clock, startedMs, context } = run;
  if (!isMillraceError(error)) throw error;
  const message = `build failed: ${error.message}${error.hint === undefined ? '' : `. ${error.hint}`}`;
  setReady(run, 'False', 'BuildFailed', message);
  markStalled(object, 'BuildFailed', message, clock);
  const digest = `sha256:${sha256Hex(JSON.stringify(object.spec))}`;
  recordInstall(object, { digest, outcome: 'BuildFailed', startedMs, nowMs: clock.now() });
  await finish(object, patcher, context.signal);
  deps.events.event(object, 'Warning', 'BuildFailed', message);
  return { requeueAfterMs: stalledRetryMs };
}

async function failed(run: Run, { revision }: Rendered, error: unknown): Promise<never> {
  const { object, patcher, deps, clock, startedMs, context } = run;
  const why =
    error instanceof ApplyFailure ? error.refusals.map(({ message }) => message).join('\n') : errorMessage(error);
  const message = `reconciliation failed: ${why}`;
  setReady(run, 'False', 'ReconciliationFailed', message);
  markReconciling(object, 'ProgressingWithRetry', message, clock);
  const facts = { outcome: 'ReconciliationFailed', version: `v${fluxRelease}`, startedMs, nowMs: clock.now() };
  recordInstall(object, { ...facts, digest: digestOf(revision) });
  await finish(object, patcher, context.signal);
  deps.events.event(object, 'Warning', 'ReconciliationFailed', message, revisionOf(revision));
  throw new MillraceError('INSTALL_FAILED', message, { cause: error });
}

async function superseded(run: Run): Promise<Outcome> {
  const { object, patcher, context } = run;
  const { namespace, name } = object.metadata;
  const message = `New reconciliation triggered by FluxInstance/${namespace}/${name}`;
  setReady(run, 'False', 'HealthCheckCanceled', message);
  await patcher.patch(object, { signal: context.signal });
  return done;
}

function setReady({ object, clock }: Run, status: 'True' | 'False' | 'Unknown', reason: string, message: string): void {
  setCondition(object, { type: 'Ready', status, reason, message }, clock);
}

/** The request is answered whatever came of it. */
async function finish(object: FluxInstance, patcher: StatusPatcher, signal: AbortSignal): Promise<void> {
  const token = requestedAt(object);
  if (token !== undefined) object.status = { ...object.status, lastHandledReconcileAt: token };
  if (getCondition(object, 'Ready')?.status === 'True') removeConditions(object, 'Reconciling');
  await patcher.patch(object, { signal });
}

function digestOf(revision: string): string {
  return revision.slice(revision.indexOf('@') + 1);
}

function revisionOf(revision: string): Record<string, string> {
  return { 'fluxcd.controlplane.io/revision': revision };
}
