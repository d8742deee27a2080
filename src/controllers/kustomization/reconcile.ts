import type { Artifact } from '../../api/artifact.ts';
import type { Kustomization } from '../../api/kustomization.ts';
import { ApplyFailure, type ApplyOptions, applyObjects, refOf } from '../../apply/apply-objects.ts';
import { type Change, formatChanges } from '../../apply/change-set.ts';
import { desiredObject } from '../../apply/desired.ts';
import { entryOf, type InventoryEntry, refOfEntry, staleEntries } from '../../apply/inventory.ts';
import { pruneEntries } from '../../apply/prune.ts';
import { formatReports, waitForHealth } from '../../apply/wait.ts';
import { systemClock } from '../../base/clock.ts';
import { sha256Hex } from '../../base/digest.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/error.ts';
import { type KubeObject, keyOf, type ObjectKey, type ObjectRef } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { hasStatus, markReconciling, markStalled, removeConditions, setCondition } from '../../runtime/conditions.ts';
import type { StatusPatcher } from '../../runtime/status-patch.ts';
import { requireDependencies } from './dependencies.ts';
import type { KustomizationDeps } from './deps.ts';
import { KustomizationFault } from './fault.ts';
import { recordHistory } from './history.ts';
import { buildKustomization } from './overlay.ts';
import { openSource, sourceArtifact } from './source.ts';

/** The field manager of everything that is applied; Flux's own, so that ownership survives a change from one to the other. */
export const fieldManager = 'kustomize-controller';

/** One run of one Kustomization; `object` is changed in place and shown to the cluster by `patcher`. */
export interface Run {
  object: Kustomization;
  patcher: StatusPatcher;
  deps: KustomizationDeps;
  signal: AbortSignal;
}

/** Builds, applies, prunes and waits; throws KustomizationFault where one of them fails (spec/kustomization.md §2). */
export async function reconcileKustomization(run: Run): Promise<void> {
  const { object, deps, signal } = run;
  const clock = deps.clock ?? systemClock;
  const startedMs = clock.now();
  const artifact = await sourceArtifact(object, deps, signal);
  const { revision } = artifact;
  await requireDependencies(object, revision, deps, signal);
  await progress(
    run,
    `Fetching manifests for revision ${revision} with a timeout of ${formatDuration(timeoutMs(object))}`,
  );
  const files = await openSource(artifact, deps, signal);
  object.status = { ...object.status, lastAttemptedRevision: revision };
  await progress(run, `Building manifests for revision ${revision}`);
  const owner = keyOf(object);
  const objects = buildKustomization(object, files).map((built) =>
    desiredObject(built, owner, object.spec.commonMetadata),
  );
  const client = impersonated(object, deps);
  const scoped = await withDefaultNamespaces(objects, object, client, signal);
  await progress(run, `Detecting drift for revision ${revision}`);
  const before = object.status?.inventory?.entries ?? [];
  const changes = await apply(run, client, scoped, before, revision);
  await prune(run, client, before, scoped.map(entryOf), changes, revision);
  await checkHealth(run, client, scoped, changes, revision);
  succeed(run, artifact);
  const digest = `sha256:${sha256Hex(JSON.stringify(scoped))}`;
  recordHistory(object, { digest, outcome: 'ReconciliationSucceeded', revision, startedMs, nowMs: clock.now() });
}

async function progress({ object, patcher, signal }: Run, message: string): Promise<void> {
  setCondition(object, {
    type: 'Ready',
    status: 'Unknown',
    reason: 'Progressing',
    message: 'Reconciliation in progress',
  });
  markReconciling(object, 'Progressing', message);
  await patcher.patch(object, { signal });
}

/** Never under 30 seconds; by default half a minute less than the interval. In milliseconds. */
export function timeoutMs({ spec }: Kustomization): number {
  const given = spec.timeout === undefined ? parseDuration(spec.interval) - 30_000 : parseDuration(spec.timeout);
  return Math.max(30_000, given);
}

/** Whom the objects are applied as (spec/kustomization.md §10). */
export function impersonated({ spec, metadata }: Kustomization, deps: KustomizationDeps): KubeClient {
  const account = spec.serviceAccountName ?? deps.defaultServiceAccount;
  return account === undefined
    ? deps.client
    : deps.client.impersonate(`system:serviceaccount:${metadata.namespace}:${account}`);
}

/** Namespaced objects that name no namespace go into that of the Kustomization, as `kubectl` would put them into its own. */
async function withDefaultNamespaces(
  objects: readonly KubeObject[],
  owner: Kustomization,
  client: KubeClient,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const defined = new Set(objects.filter(({ kind }) => kind === 'CustomResourceDefinition').map(definedKind));
  return Promise.all(
    objects.map(async (object) => {
      if (object.metadata.namespace !== undefined || defined.has(object.kind)) return object;
      const resource = await client.resourceOf(object, { signal }).catch(() => undefined);
      return resource?.namespaced === true && owner.spec.targetNamespace !== undefined
        ? { ...object, metadata: { ...object.metadata, namespace: owner.spec.targetNamespace } }
        : object;
    }),
  );
}

function definedKind(crd: KubeObject): string {
  const spec = crd['spec'] as { names?: { kind?: string } } | undefined;
  return spec?.names?.kind ?? '';
}

/** What is about to be applied is written into the inventory first, so that nothing is ever applied and forgotten. */
async function apply(
  run: Run,
  client: KubeClient,
  objects: readonly KubeObject[],
  before: readonly InventoryEntry[],
  revision: string,
): Promise<Change[]> {
  const { object, deps, patcher, signal } = run;
  const options: ApplyOptions = {
    client,
    manager: fieldManager,
    force: object.spec.force,
    concurrency: deps.concurrentApply,
    signal,
  };
  const intended = objects.map(entryOf);
  const entries = [...intended, ...staleEntries(before, intended)];
  object.status = { ...object.status, inventory: { entries } };
  await patcher.patch(object, { signal });
  try {
    const changes = await applyObjects(objects, options);
    reportChanges(run, changes, revision);
    return changes;
  } catch (cause) {
    signal.throwIfAborted();
    const done = cause instanceof ApplyFailure ? formatChanges(cause.changes) : '';
    const message = done === '' ? errorMessage(cause) : `${errorMessage(cause)}\n${done}`;
    throw new KustomizationFault('ReconciliationFailed', message, 'retry', cause);
  }
}

function reportChanges({ object, deps }: Run, changes: readonly Change[], revision: string): void {
  const text = formatChanges(changes.filter(({ action }) => action !== 'skipped'));
  if (text !== '') deps.events.event(object, 'Normal', 'Progressing', text, revisionMetadata(revision));
}

export function revisionMetadata(revision: string): Record<string, string> {
  return { 'kustomize.toolkit.fluxcd.io/revision': revision };
}

async function prune(
  run: Run,
  client: KubeClient,
  before: readonly InventoryEntry[],
  entries: InventoryEntry[],
  changes: Change[],
  revision: string,
): Promise<void> {
  const { object, signal } = run;
  const stale = staleEntries(before, entries);
  object.status = { ...object.status, inventory: { entries } };
  if (!object.spec.prune || stale.length === 0) return;
  const result = await pruneEntries(stale, { client, owner: keyOf(object), signal });
  changes.push(...result.changes);
  reportChanges(run, result.changes, revision);
  if (result.failure === undefined) return;
  object.status = { ...object.status, inventory: { entries: [...entries, ...result.remaining] } };
  throw new KustomizationFault('PruneFailed', result.failure.message, 'retry', result.failure);
}

async function checkHealth(
  run: Run,
  client: KubeClient,
  objects: readonly KubeObject[],
  changes: readonly Change[],
  revision: string,
): Promise<void> {
  const { object, deps, signal } = run;
  const refs = healthRefs(object, objects, changes);
  if (refs.length === 0) {
    removeConditions(object, 'Healthy');
    return;
  }
  const timeout = timeoutMs(object);
  const message = `Running health checks for revision ${revision} with a timeout of ${formatDuration(timeout)}`;
  const wasHealthy = hasStatus(object, 'Healthy', 'True');
  setCondition(object, { type: 'Healthy', status: 'Unknown', reason: 'Progressing', message });
  await progress(run, message);
  const started = Date.now();
  const { reports, timedOut } = await waitForHealth(refs, { client, timeoutMs: timeout, failFast: true, signal });
  const took = formatDuration(Date.now() - started);
  if (reports.length > 0) {
    const why = timedOut ? 'timeout waiting for: ' : 'failed early due to stalled resources: ';
    const text = `health check failed after ${took}: ${why}${formatReports(reports)}`;
    setCondition(object, { type: 'Healthy', status: 'False', reason: 'HealthCheckFailed', message: text });
    throw new KustomizationFault('HealthCheckFailed', text, 'retry');
  }
  const passed = `Health check passed in ${took}`;
  setCondition(object, { type: 'Healthy', status: 'True', reason: 'Succeeded', message: passed });
  const isNew = changes.some(({ action }) => action === 'created' || action === 'configured');
  if (!wasHealthy || isNew) deps.events.event(object, 'Normal', 'Progressing', passed, revisionMetadata(revision));
}

/** With `wait` everything applied, else what is listed; never the Kustomization itself, which would wait for itself. */
function healthRefs(
  { spec, kind, metadata }: Kustomization,
  objects: readonly KubeObject[],
  changes: readonly Change[],
): ObjectRef[] {
  if (spec.wait === true) {
    const skipped = new Set(
      changes.filter(({ action }) => action === 'skipped').map(({ object }) => entryOf(object).id),
    );
    return objects
      .filter((object) => !skipped.has(entryOf(object).id))
      .map(refOf)
      .filter((ref) => !(ref.kind === kind && ref.name === metadata.name && ref.namespace === metadata.namespace));
  }
  return (spec.healthChecks ?? []).map(({ apiVersion = 'apps/v1', ...check }) => ({
    apiVersion,
    kind: check.kind,
    name: check.name,
    namespace: check.namespace ?? metadata.namespace ?? '',
  }));
}

function succeed({ object }: Run, { revision, metadata }: Artifact): void {
  const origin = metadata?.['org.opencontainers.image.revision'];
  object.status = {
    ...object.status,
    lastAppliedRevision: revision,
    ...(origin === undefined ? {} : { lastAppliedOriginRevision: origin }),
    ...(object.metadata.generation === undefined ? {} : { observedGeneration: object.metadata.generation }),
  };
  removeConditions(object, 'Reconciling', 'Stalled');
  setCondition(object, {
    type: 'Ready',
    status: 'True',
    reason: 'ReconciliationSucceeded',
    message: `Applied revision: ${revision}`,
  });
}

/** The conditions of a run that failed. */
export function markFault({ object }: Run, fault: KustomizationFault): void {
  setCondition(object, { type: 'Ready', status: 'False', reason: fault.reason, message: fault.message });
  if (fault.kind === 'terminal') markStalled(object, fault.reason, fault.message);
  else markReconciling(object, 'ProgressingWithRetry', fault.message);
}

/** Deletes what the Kustomization has applied, as its deletion policy says; the finalizer may go afterwards (spec §9.4). */
export async function finalizeKustomization(
  object: Kustomization,
  deps: KustomizationDeps,
  signal: AbortSignal,
): Promise<void> {
  const policy = object.spec.deletionPolicy ?? 'MirrorPrune';
  const entries = object.status?.inventory?.entries ?? [];
  const deletes = policy === 'MirrorPrune' ? object.spec.prune : policy !== 'Orphan';
  if (object.spec.suspend === true || !deletes || entries.length === 0) return;
  const client = impersonated(object, deps);
  const owner: ObjectKey = keyOf(object);
  const { changes, failure } = await pruneEntries(entries, { client, owner, signal });
  const text = formatChanges(changes.filter(({ action }) => action === 'deleted'));
  if (text !== '') deps.events.event(object, 'Normal', 'ReconciliationSucceeded', text);
  if (failure !== undefined) {
    deps.events.event(object, 'Warning', 'PruneFailed', `pruning for deleted resource failed: ${failure.message}`);
    throw failure;
  }
  if (policy !== 'WaitForTermination') return;
  const refs = entries.flatMap((entry) => refOfEntry(entry) ?? []);
  const deadline = Date.now() + timeoutMs(object);
  for (const ref of refs) {
    while ((await client.get(ref, { signal })) !== undefined && Date.now() < deadline) {
      await new Promise((wake) => setTimeout(wake, 200));
    }
  }
}
