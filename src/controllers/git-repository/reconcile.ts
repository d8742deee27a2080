import { rm } from 'node:fs/promises';
import { withDeadline } from '../../base/deadline.ts';
import { parseDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { keyOf } from '../../base/kube-object.ts';
import { type ObjectReaders, withReaders } from '../../git/objects.ts';
import type { Git } from '../../git/program.ts';
import type { GitRemote } from '../../git/remote.ts';
import { readTree } from '../../git/tree.ts';
import { removeConditions, setCondition } from '../../runtime/conditions.ts';
import type { SummaryRules } from '../../runtime/summary.ts';
import type { SourceDeps, SourceKind, SourceResult, SourceRun } from '../source/reconcile-source.ts';
import { SourceFault } from '../source/source-fault.ts';
import { hasSameContentConfig, observeContentConfig } from './content-config.ts';
import { contentOf, limitToFolders, writeGitArchive } from './git-artifact.ts';
import {
  type FetchedCommit,
  fetchWanted,
  mirrorsOf,
  type ReadCommit,
  readCommit,
  shortMessage,
} from './git-checkout.ts';
import type { GitRepository } from './git-object.ts';
import { formatRevision, normaliseRevision, type RankTags, resolveGitRef, type WantedCommit } from './git-revision.ts';
import { loadRemote } from './load-remote.ts';

export interface GitRepositoryDeps extends SourceDeps {
  git: Git;
  /** Folder for what is kept of each repository, so that a change costs only the difference. */
  mirrorsDir: string;
  rankTags: RankTags;
  /** Objects reconciled side by side, each with one git process at a time. Default 4. */
  concurrency?: number;
  /** A repository may not send, and an artifact not hold, more than this. Default 8 GiB and 4 GiB. */
  maxRepositoryBytes?: number;
  maxArchiveBytes?: number;
}

const order = [
  'StorageOperationFailed',
  'FetchFailed',
  'IncludeUnavailable',
  'ArtifactOutdated',
  'ArtifactInStorage',
  'SourceVerified',
  'Stalled',
  'Reconciling',
];

const rules: SummaryRules = {
  order,
  abnormalTrue: order.filter((type) => type !== 'ArtifactInStorage' && type !== 'SourceVerified'),
  overriding: ['SourceVerified'],
};

export function gitRepositoryKind(deps: GitRepositoryDeps): SourceKind<GitRepository> {
  return {
    kind: 'GitRepository',
    rules,
    work: (run) => reconcileGitRepository(run, deps),
    cleanUp: (key) => rm(mirrorsOf({ mirrorsDir: deps.mirrorsDir, key }), { recursive: true, force: true }),
  };
}

/** Source, include and artifact step of spec/source.md §4. */
async function reconcileGitRepository(run: SourceRun<GitRepository>, deps: GitRepositoryDeps): Promise<SourceResult> {
  const { object } = run;
  const remote = await loadRemote(object, deps.client, run.signal);
  const timeoutMs = parseDuration(object.spec.timeout ?? '60s', 'spec.timeout');
  const checkout = await withCheckoutFault(() =>
    withDeadline(run.signal, timeoutMs, 'the checkout', (signal) => fetchUnlessCurrent(run, deps, { remote, signal })),
  );
  removeConditions(object, 'FetchFailed');
  if (checkout === undefined) return unchanged(run);
  return withReaders(deps.git, run.signal, (readers) => store(run, deps, { ...checkout, readers }));
}

interface Checkout {
  wanted: WantedCommit;
  fetched: FetchedCommit;
}

/** Asks what the reference is now; undefined where that is what is stored already. */
async function fetchUnlessCurrent(
  run: SourceRun<GitRepository>,
  deps: GitRepositoryDeps,
  { remote, signal }: { remote: GitRemote; signal: AbortSignal },
): Promise<Checkout | undefined> {
  const { object, hasArtifact } = run;
  const { git, mirrorsDir, rankTags } = deps;
  const stored = hasArtifact ? run.status.artifact?.revision : undefined;
  const wanted = await resolveGitRef(object.spec.ref, {
    git,
    remote,
    rankTags,
    newestOf: async ([first]) => {
      if (first === undefined) throw new Error('no tag to choose from');
      return first;
    },
    what: stored === undefined ? 'unable to clone' : 'unable to list remote for',
    signal,
  });
  const revision = formatRevision(wanted, wanted.commit);
  if (stored !== undefined && normaliseRevision(stored) === revision && hasSameContentConfig(object, []))
    return undefined;
  if (run.status.artifact !== undefined && stored !== revision) announceRevision(run, revision);
  await run.patch();
  const place = { git, mirrorsDir, key: keyOf(object) };
  const maxBytes = deps.maxRepositoryBytes ?? 8 * 1024 ** 3;
  return { wanted, fetched: await fetchWanted(place, remote, wanted, { signal, maxBytes }) };
}

function announceRevision(run: SourceRun<GitRepository>, revision: string): void {
  const message = `new upstream revision '${revision}'`;
  setCondition(run.object, { type: 'ArtifactOutdated', status: 'True', reason: 'NewRevision', message });
  run.progress(`building artifact: ${message}`, { drift: true });
}

function unchanged(run: SourceRun<GitRepository>): SourceResult {
  const revision = run.status.artifact?.revision ?? '';
  removeConditions(run.object, 'ArtifactOutdated', 'StorageOperationFailed', 'IncludeUnavailable');
  markStored(run, revision);
  const message = `no changes since last reconciliation: observed revision '${revision}'`;
  run.event('Trace', 'GitOperationSucceeded', message);
  return { stored: `stored artifact for revision '${revision}'` };
}

function markStored({ object }: SourceRun<GitRepository>, revision: string): void {
  const message = `stored artifact for revision '${revision}'`;
  setCondition(object, { type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message });
}

async function store(
  run: SourceRun<GitRepository>,
  deps: GitRepositoryDeps,
  checkout: Checkout & { readers: ObjectReaders },
): Promise<SourceResult> {
  const { object, signal } = run;
  const { readers, fetched, wanted } = checkout;
  const objects = readers.of(fetched.mirror.gitDir);
  const commit = await readCommit(objects, fetched.oid);
  const revision = formatRevision(wanted, commit.oid);
  const all = contentOf(await readTree(objects, commit.tree), fetched.mirror.gitDir);
  const entries = await withCheckoutFault(async () => limitToFolders(all, object.spec.sparseCheckout ?? []));
  const artifact = await withStorageFault(() =>
    deps.store.write({ path: artifactPath(object, commit), revision }, (file) =>
      writeGitArchive(file, entries, {
        readers,
        signal,
        algorithm: deps.store.algorithm,
        maxBytes: deps.maxArchiveBytes ?? 4 * 1024 ** 3,
        ignore: object.spec.ignore,
      }),
    ),
  );
  run.status.artifact = artifact;
  observeContentConfig(object, run.status, []);
  removeConditions(object, 'ArtifactOutdated', 'StorageOperationFailed', 'IncludeUnavailable');
  markStored(run, revision);
  return {
    stored: `stored artifact for commit '${shortMessage(commit.commit)}'`,
    metadata: { 'source.toolkit.fluxcd.io/commit': commit.oid },
  };
}

function artifactPath(object: GitRepository, { oid }: ReadCommit): string {
  const { namespace, name } = keyOf(object);
  return `gitrepository/${namespace}/${name}/${oid}.tar.gz`;
}

/** Faults of git as conditions; what is one already passes. */
async function withCheckoutFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SourceFault || isMillraceError(cause, 'KUBE_CONFLICT')) throw cause;
    if (isMillraceError(cause, 'GIT_REPOSITORY_EMPTY')) {
      throw new SourceFault('EmptyGitRepository', 'git repository is empty', { cause });
    }
    const message = errorMessage(cause);
    const text = message.startsWith('failed to sparse')
      ? message
      : `failed to checkout and determine revision: ${message}`;
    throw new SourceFault('GitOperationFailed', text, { cause });
  }
}

async function withStorageFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new SourceFault('ArchiveOperationFailed', `unable to archive artifact to storage: ${errorMessage(cause)}`, {
      condition: 'StorageOperationFailed',
      cause,
    });
  }
}
