import type { Artifact } from '../../api/artifact.ts';
import { ApplyFailure, applyObjects } from '../../apply/apply-objects.ts';
import { type Change, formatChanges } from '../../apply/change-set.ts';
import { compileHealthRules, type HealthRules } from '../../apply/health-expressions.ts';
import { compileIgnoreRules, type IgnoredPaths } from '../../apply/ignore-rules.ts';
import { entryOf, type InventoryEntry, staleEntries, unionOfEntries } from '../../apply/inventory.ts';
import { pruneEntries } from '../../apply/prune.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/error.ts';
import { deepEqual } from '../../base/json.ts';
import { formatRef, type KubeObject, keyOf } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { checkDecryption } from './decrypt.ts';
import { requireDependencies } from './dependencies.ts';
import { gatesOf } from './deps.ts';
import { invalidExpression, KustomizationFault } from './fault.ts';
import { prepareManifests } from './manifests.ts';
import { buildDir } from './overlay.ts';
import { emit, fieldManager, originRevisionOf, progress, type Run, timeoutMs } from './run.ts';
import { openSource, sourceArtifact } from './source.ts';

/** What a run has applied and pruned; its health is checked next. */
export interface Applied {
  artifact: Artifact;
  /** Digest of the objects that were applied. */
  digest: string;
  objects: KubeObject[];
  changes: Change[];
  rules: HealthRules;
}

/**
 * Builds, applies and prunes (spec/kustomization.md §2, steps 3 to 13). Throws KustomizationFault where one of them fails.
 * `begun` learns of the digest and revision as soon as they are applied, for the history.
 */
export async function applyRevision(
  run: Run,
  begun: (facts: { artifact: Artifact; digest: string }) => void,
): Promise<Applied> {
  const { object, deps, signal, memory } = run;
  const rules = compileRules(run);
  checkDecryption(object, deps);
  const artifact = await sourceArtifact(object, deps, signal);
  const { revision } = artifact;
  await requireDependencies(run, revision);
  const within = `for revision ${revision} with a timeout of ${formatDuration(timeoutMs(object))}`;
  await progress(run, `Fetching manifests ${within}`);
  const files = await openSource(artifact, deps, signal);
  requireDir(run, files);
  object.status = { ...object.status, lastAttemptedRevision: revision };
  await progress(run, `Building manifests ${within}`, { passing: true });
  const client = await clientOf(run);
  const { objects, placeOf, digest } = await prepareManifests(run, files);
  begun({ artifact, digest });
  const ignored = compileIgnored(run);
  const before = object.status?.inventory?.entries ?? [];
  intend(run, before, objects);
  await progress(run, `Detecting drift ${within}`);
  const changes = await apply(run, { client, objects, ignored, before, placeOf, artifact });
  changes.push(...(await prune(run, { client, before, changes, artifact })));
  return { artifact, digest, objects, changes, rules };

  async function clientOf({ object: target }: Run): Promise<KubeClient> {
    try {
      return await memory.targets.clientOf(target, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const message = `failed to build kube client: ${errorMessage(cause)}`;
      throw new KustomizationFault('ReconciliationFailed', message, 'retry', { cause });
    }
  }
}

function compileRules({ object }: Run): HealthRules {
  try {
    return compileHealthRules(object.spec.healthCheckExprs ?? []);
  } catch (cause) {
    throw invalidExpression(cause);
  }
}

function requireDir({ object }: Run, files: FileSystem): void {
  const dir = buildDir(object);
  const kind = files.kindOf(dir);
  if (kind === 'file') {
    throw new KustomizationFault('BuildFailed', `kustomize build failed: '${dir}' is a file, not a folder`, 'retry');
  }
  if (dir === '' || kind !== undefined) return;
  const message = `kustomization path not found: stat ${dir}: no such file or directory`;
  throw new KustomizationFault('ArtifactFailed', message, 'retry');
}

interface ApplyFacts {
  client: KubeClient;
  objects: readonly KubeObject[];
  ignored: IgnoredPaths | undefined;
  before: readonly InventoryEntry[];
  placeOf(object: KubeObject): string | undefined;
  artifact: Artifact;
}

/** What is about to be applied is in the inventory before it is, so that nothing is ever applied and forgotten. */
function intend({ object }: Run, before: readonly InventoryEntry[], objects: readonly KubeObject[]): void {
  const intended = unionOfEntries(before, objects.map(entryOf));
  if (staleEntries(intended, before).length === 0) return;
  object.status = { ...object.status, inventory: { entries: intended } };
}

/** After a failure the inventory holds what there was and what has been done. */
async function apply(run: Run, facts: ApplyFacts): Promise<Change[]> {
  const { object, deps, signal } = run;
  try {
    const changes = await applyObjects(facts.objects, {
      client: facts.client,
      manager: fieldManager,
      force: object.spec.force,
      concurrency: deps.concurrentApply,
      customStageKinds: deps.customStageKinds,
      overrideManagers: deps.overrideManagers,
      migrateApiVersion: gatesOf(deps).migrateApiVersion,
      ignored: facts.ignored,
      signal,
    });
    reportChanges(run, changes, facts.artifact);
    return changes;
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ApplyFailure)) throw cause;
    // An apply whose answer was lost may have been carried out.
    const attempted = cause.refusals.filter((refusal) => refusal.wasSent).map((refusal) => refusal.object);
    const done = [...cause.changes.map((change) => change.object), ...attempted].map(entryOf);
    object.status = { ...object.status, inventory: { entries: unionOfEntries(facts.before, done) } };
    const message = describeFailure(cause, facts.placeOf);
    throw new KustomizationFault('ReconciliationFailed', message, 'retry', { cause, applied: true });
  }
}

function compileIgnored({ object }: Run): IgnoredPaths | undefined {
  try {
    return object.spec.ignore === undefined ? undefined : compileIgnoreRules(object.spec.ignore);
  } catch (cause) {
    throw new KustomizationFault('ReconciliationFailed', errorMessage(cause), 'retry', { cause });
  }
}

const mostRefusals = 50;

/** Every refused object with its place in git, then what had been done before. */
function describeFailure(failure: ApplyFailure, placeOf: (object: KubeObject) => string | undefined): string {
  const lines = failure.refusals.slice(0, mostRefusals).map(({ object, message }) => {
    const place = placeOf(object);
    return place === undefined ? message : `${message} (from ${place})`;
  });
  const left = failure.refusals.length - lines.length;
  if (left > 0) lines.push(`… and ${left} more`);
  const done = formatChanges(failure.changes);
  return [...lines, ...(done === '' ? [] : [done])].join('\n');
}

function reportChanges(run: Run, changes: readonly Change[], artifact: Artifact): void {
  for (const { object, drift = [] } of changes) {
    if (drift.length > 0) run.logger.info(`${object.kind}/${object.metadata.name} differed`, { fields: drift });
  }
  const touched = changes.filter(({ action }) => action !== 'skipped');
  const lines = touched.flatMap(({ object, undeclared = [] }) =>
    undeclared.length === 0
      ? []
      : [`${formatRef(object)}: left out what its kind does not have: ${undeclared.join(', ')}`],
  );
  const text = [formatChanges(touched), ...lines].filter((line) => line !== '').join('\n');
  if (text === '') return;
  emit(run, 'Normal', text, { revision: artifact.revision, originRevision: originRevisionOf(artifact) });
}

interface PruneFacts {
  client: KubeClient;
  before: readonly InventoryEntry[];
  changes: readonly Change[];
  artifact: Artifact;
}

/** The new inventory is in the status before anything is deleted; what could not be deleted stays in it. */
async function prune(run: Run, { client, before, changes, artifact }: PruneFacts): Promise<Change[]> {
  const { object, patcher, signal } = run;
  const entries = changes.map((change) => entryOf(change.object));
  const stale = staleEntries(before, entries);
  if (!object.spec.prune || stale.length === 0) {
    setInventory(run, entries);
    return [];
  }
  // Until their deletion is confirmed, stale entries must survive a crash.
  setInventory(run, unionOfEntries(before, entries));
  await patcher.patch(object, { signal });
  const applied = new Set(changes.map((change) => change.object.metadata.uid ?? ''));
  const result = await pruneEntries(stale, { client, owner: keyOf(object), applied, signal });
  setInventory(run, [...entries, ...result.remaining]);
  const text = formatChanges(result.changes);
  if (text !== '') {
    emit(run, 'Normal', text, { revision: artifact.revision, originRevision: originRevisionOf(artifact) });
  }
  if (result.failure === undefined) return result.changes;
  const { message } = result.failure;
  throw new KustomizationFault('PruneFailed', message, 'retry', { cause: result.failure, applied: true });
}

function setInventory({ object }: Run, entries: readonly InventoryEntry[]): void {
  const sorted = [...entries];
  if (deepEqual(object.status?.inventory?.entries, sorted)) return;
  object.status = { ...object.status, inventory: { entries: sorted } };
}

/** What an error that no step expected makes of the run. */
export function asFault(error: unknown): KustomizationFault {
  if (error instanceof KustomizationFault) return error;
  return new KustomizationFault('ReconciliationFailed', errorMessage(error), 'retry', { cause: error });
}
