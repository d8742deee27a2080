import type { Artifact } from '../../api/artifact.ts';
import { ApplyFailure, applyObjects } from '../../apply/apply-objects.ts';
import { type Change, formatChanges } from '../../apply/change-set.ts';
import { compileHealthRules, type HealthRules } from '../../apply/health-expressions.ts';
import { compileIgnoreRules } from '../../apply/ignore-rules.ts';
import { entryOf, type InventoryEntry, staleEntries, unionOfEntries } from '../../apply/inventory.ts';
import { pruneEntries } from '../../apply/prune.ts';
import { sha256Hex } from '../../base/digest.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { deepEqual } from '../../base/json.ts';
import { type KubeObject, keyOf } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { checkDecryption } from './decrypt.ts';
import { requireDependencies } from './dependencies.ts';
import { invalidExpression, KustomizationFault } from './fault.ts';
import { createOriginFinder } from './manifest-origin.ts';
import { prepareObjects } from './manifests.ts';
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
  const { object, deps, signal, targets } = run;
  const rules = compileRules(run);
  checkDecryption(object, deps);
  const artifact = await sourceArtifact(object, deps, signal);
  const { revision } = artifact;
  await requireDependencies(object, revision, deps, signal);
  const within = `for revision ${revision} with a timeout of ${formatDuration(timeoutMs(object))}`;
  await progress(run, `Fetching manifests ${within}`);
  const files = await openSource(artifact, deps, signal);
  requireDir(run, files);
  object.status = { ...object.status, lastAttemptedRevision: revision };
  await progress(run, `Building manifests ${within}`);
  const client = await clientOf(run);
  const objects = await prepareObjects(run, files);
  const digest = `sha256:${sha256Hex(JSON.stringify(objects))}`;
  begun({ artifact, digest });
  await progress(run, `Detecting drift ${within}`);
  const before = object.status?.inventory?.entries ?? [];
  const changes = await apply(run, { client, objects, before, files, artifact });
  const entries = changes.map((change) => entryOf(change.object));
  changes.push(...(await prune(run, { client, before, entries, artifact })));
  return { artifact, digest, objects, changes, rules };

  async function clientOf({ object: target }: Run): Promise<KubeClient> {
    try {
      return await targets.clientOf(target, signal);
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
  if (dir === '' || files.kindOf(dir) !== undefined) return;
  const message = `kustomization path not found: stat ${dir}: no such file or directory`;
  throw new KustomizationFault('ArtifactFailed', message, 'retry');
}

interface ApplyFacts {
  client: KubeClient;
  objects: readonly KubeObject[];
  before: readonly InventoryEntry[];
  files: FileSystem;
  artifact: Artifact;
}

/**
 * What is about to be applied is written into the inventory first, so that nothing is ever applied and forgotten; after a
 * failure the inventory holds what there was and what has been done.
 */
async function apply(run: Run, { client, objects, before, files, artifact }: ApplyFacts): Promise<Change[]> {
  const { object, deps, patcher, signal } = run;
  const ignored = compileIgnored(run);
  const intended = unionOfEntries(before, objects.map(entryOf));
  if (staleEntries(intended, before).length > 0) {
    object.status = { ...object.status, inventory: { entries: intended } };
    await patcher.patch(object, { signal });
  }
  try {
    const changes = await applyObjects(objects, {
      client,
      manager: fieldManager,
      force: object.spec.force,
      concurrency: deps.concurrentApply,
      customStageKinds: deps.customStageKinds,
      overrideManagers: deps.overrideManagers,
      ignored,
      signal,
    });
    reportChanges(run, changes, artifact);
    return changes;
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof ApplyFailure)) throw cause;
    const done = cause.changes.map((change) => entryOf(change.object));
    object.status = { ...object.status, inventory: { entries: unionOfEntries(before, done) } };
    const message = describeFailure(cause, createOriginFinder(files, buildDir(object)));
    throw new KustomizationFault('ReconciliationFailed', message, 'retry', { cause, applied: true });
  }
}

function compileIgnored({ object }: Run) {
  try {
    return object.spec.ignore === undefined ? undefined : compileIgnoreRules(object.spec.ignore);
  } catch (cause) {
    throw new KustomizationFault('ReconciliationFailed', errorMessage(cause), 'retry', { cause });
  }
}

const mostRefusals = 50;

/** Every refused object with its place in git, then what had been done before. */
function describeFailure(failure: ApplyFailure, originOf: (object: KubeObject) => string | undefined): string {
  const lines = failure.refusals.slice(0, mostRefusals).map(({ object, message }) => {
    const place = originOf(object);
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
  const text = formatChanges(touched);
  if (text === '') return;
  emit(run, 'Normal', text, { revision: artifact.revision, originRevision: originRevisionOf(artifact) });
}

interface PruneFacts {
  client: KubeClient;
  before: readonly InventoryEntry[];
  entries: readonly InventoryEntry[];
  artifact: Artifact;
}

/** The new inventory is in the status before anything is deleted; what could not be deleted stays in it. */
async function prune(run: Run, { client, before, entries, artifact }: PruneFacts): Promise<Change[]> {
  const { object, patcher, signal } = run;
  const stale = staleEntries(before, entries);
  if (!object.spec.prune || stale.length === 0) {
    setInventory(run, entries);
    return [];
  }
  // Until their deletion is confirmed, stale entries must survive a crash.
  setInventory(run, unionOfEntries(before, entries));
  await patcher.patch(object, { signal });
  const result = await pruneEntries(stale, { client, owner: keyOf(object), signal });
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

/** What an error that no step expected makes of the run: the API's own trouble is thrown on and retried with backoff. */
export function asFault(error: unknown): KustomizationFault {
  if (error instanceof KustomizationFault) return error;
  if (isMillraceError(error, 'HTTP_UNREACHABLE', 'KUBE_THROTTLED', 'KUBE_CONFLICT')) throw error;
  return new KustomizationFault('ReconciliationFailed', errorMessage(error), 'retry', { cause: error });
}
