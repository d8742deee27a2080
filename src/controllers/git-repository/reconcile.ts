import { rm } from 'node:fs/promises';
import type { Artifact } from '../../api/artifact.ts';
import type { GitRepository } from '../../api/git-repository.ts';
import { withDeadline } from '../../base/deadline.ts';
import { parseDuration } from '../../base/duration.ts';
import { isMillraceError } from '../../base/error.ts';
import { keyOf, type ObjectKey } from '../../base/kube-object.ts';
import { type ObjectReaders, withReaders } from '../../git/objects.ts';
import type { Git } from '../../git/program.ts';
import { hasStatus, removeConditions, setCondition } from '../../runtime/conditions.ts';
import type { SummaryRules } from '../../runtime/summary.ts';
import type { ContentEntry } from '../source/content.ts';
import { writeContentArchive } from '../source/content-archive.ts';
import {
  announceRevision,
  type SourceDeps,
  type SourceKind,
  type SourceResult,
  type SourceRun,
} from '../source/reconcile-source.ts';
import { SourceFault } from '../source/source-fault.ts';
import { withStorageFault } from '../source/storage-fault.ts';
import { withCheckoutFault } from './checkout-fault.ts';
import { hasSameContentConfig, hasSameIncludes, observeContentConfig, verificationMode } from './content-config.ts';
import {
  type CheckoutPlace,
  type FetchedCommit,
  fetchTarget,
  mirrorsOf,
  type ReadCommit,
  readCommit,
  removeUnusedMirrors,
  shortMessage,
} from './git-checkout.ts';
import { belowFolders, limitToFolders } from './git-content.ts';
import { findIncludes, withIncludes } from './git-includes.ts';
import type { GitProviders } from './git-provider.ts';
import { formatRevision, gitTarget, hasDoubtfulReference, normaliseRevision } from './git-revision.ts';
import { readContent } from './git-submodules.ts';
import { verifyGitCommit } from './git-verify.ts';
import { loadRemote } from './load-remote.ts';

export interface GitRepositoryDeps extends SourceDeps {
  git: Git;
  /** Folder for what is kept of each repository, so that a change costs only the difference. */
  mirrorsDir: string;
  /** Credentials that are made rather than kept in a Secret. */
  providers?: GitProviders;
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
    work: async (run) => {
      try {
        return await reconcileGitRepository(run, deps);
      } catch (error) {
        if (isUnreadable(error)) await removeMirrors(deps, keyOf(run.object));
        throw error;
      }
    },
    cleanUp: (key) => removeMirrors(deps, key),
  };
}

/** A damaged mirror would fail every run to come. */
function isUnreadable(error: unknown): boolean {
  return isMillraceError(error instanceof SourceFault ? error.cause : error, 'GIT_OBJECT_UNREADABLE');
}

function removeMirrors({ mirrorsDir }: GitRepositoryDeps, key: ObjectKey): Promise<void> {
  return rm(mirrorsOf({ mirrorsDir, key }), { recursive: true, force: true });
}

type Run = SourceRun<GitRepository>;

/** Source, include and artifact step of spec/source.md §4. */
async function reconcileGitRepository(run: Run, deps: GitRepositoryDeps): Promise<SourceResult> {
  const { object, signal } = run;
  forgetVerification(run);
  if (hasDoubtfulReference(object.spec.ref)) {
    run.logger.warn('spec.ref has both tag and semver: the tag is used', { ref: object.spec.ref });
  }
  const remote = await loadRemote(object, deps, signal);
  const included = await findIncludes(object, deps.client, signal);
  removeConditions(object, 'IncludeUnavailable');
  announceIncludes(run, included);
  const timeoutMs = parseDuration(object.spec.timeout || '60s', 'spec.timeout');
  return withReaders(deps.git, signal, async (readers) => {
    const checkout = await withCheckoutFault(() =>
      withDeadline(signal, timeoutMs, 'the checkout', (deadline) => {
        const maxBytes = deps.maxRepositoryBytes ?? 8 * 1024 ** 3;
        const { git, mirrorsDir } = deps;
        const place = {
          git,
          remote,
          mirrorsDir,
          key: keyOf(object),
          signal: deadline,
          maxBytes,
          used: new Set<string>(),
        };
        return checkOut(run, place, { readers, included });
      }),
    );
    removeConditions(object, 'FetchFailed');
    if (checkout === undefined) return unchanged(run);
    await verify(run, deps, checkout);
    return store(run, deps, { ...checkout, readers, included });
  });
}

interface Checkout {
  fetched: FetchedCommit;
  commit: ReadCommit;
  content: ContentEntry[];
  /** Paths of symbolic links, which are not among the content. */
  links: string[];
}

interface Inputs {
  readers: ObjectReaders;
  included: Artifact[];
}

/** The content of what the reference is now; undefined where that is what is stored already. */
async function checkOut(run: Run, place: CheckoutPlace, { readers, included }: Inputs): Promise<Checkout | undefined> {
  const { object } = run;
  const revision = run.hasArtifact ? run.status.artifact?.revision : undefined;
  const stored = revision === undefined ? undefined : normaliseRevision(revision);
  const comparable = hasSameContentConfig(object, included) ? stored : undefined;
  const fetched = await fetchTarget(place, gitTarget(object.spec.ref), comparable);
  if (fetched === undefined) return undefined;
  const { gitDir } = fetched.mirror;
  const commit = await readCommit(readers.of(gitDir), fetched.oid);
  const recurseSubmodules = object.spec.recurseSubmodules === true;
  const links: string[] = [];
  const all = await readContent({ place, readers, gitDir, tree: commit.tree, recurseSubmodules, links });
  await removeUnusedMirrors(place);
  const content = limitToFolders(all, object.spec.sparseCheckout ?? []);
  return { fetched, commit, content, links: belowFolders(links, object.spec.sparseCheckout ?? []) };
}

/** A failed verification is tried anew; a successful one speaks of the stored artifact and stays as long as it is asked for. */
function forgetVerification(run: Run): void {
  const { object } = run;
  if (object.spec.verify === undefined) {
    removeConditions(object, 'SourceVerified');
    delete run.status.sourceVerificationMode;
  } else if (hasStatus(object, 'SourceVerified', 'False')) removeConditions(object, 'SourceVerified');
}

function announceIncludes(run: Run, included: Artifact[]): void {
  if (hasSameIncludes(included, run.status.includedArtifacts ?? [])) return;
  const message = 'included artifacts differ from last observed includes';
  if (run.status.includedArtifacts !== undefined) {
    setCondition(run.object, { type: 'ArtifactOutdated', status: 'True', reason: 'IncludeChange', message });
  }
  run.progress(`building artifact: ${message}`, { drift: true });
}

async function verify(run: Run, { client }: GitRepositoryDeps, { fetched, commit }: Checkout): Promise<void> {
  const { object, signal } = run;
  const mode = verificationMode(object.spec.verify);
  if (mode === undefined) return;
  const message = await verifyGitCommit(object, { commit, tagName: fetched.tag }, client, signal);
  setCondition(object, { type: 'SourceVerified', status: 'True', reason: 'Succeeded', message });
  run.status.sourceVerificationMode = mode;
}

function unchanged(run: Run): SourceResult {
  const revision = run.status.artifact?.revision ?? '';
  const message = `no changes since last reconciliation: observed revision '${revision}'`;
  run.event('Trace', 'GitOperationSucceeded', message);
  return succeed(run, revision, `stored artifact for commit '${revision}'`);
}

async function store(run: Run, deps: GitRepositoryDeps, checkout: Checkout & Inputs): Promise<SourceResult> {
  const { object, signal } = run;
  const { readers, included, fetched, commit, content } = checkout;
  const revision = formatRevision(fetched.name, commit.oid);
  const stored = run.status.artifact?.revision;
  if (stored === undefined || normaliseRevision(stored) !== revision) {
    await announceRevision(run, `new upstream revision '${revision}'`);
  }
  const includes = (object.spec.include ?? []).flatMap((include, i) => {
    const artifact = included[i];
    return artifact === undefined ? [] : [{ include, artifact }];
  });
  const { namespace, name } = keyOf(object);
  const path = `gitrepository/${namespace}/${name}/${commit.oid}.tar.gz`;
  const artifact = await withStorageFault(signal, () =>
    withIncludes(content, includes, { store: deps.store, signal, tempDir: deps.git.options.tempDir }, (merged) =>
      deps.store.write({ path, revision }, (file) =>
        writeContentArchive(file, merged, {
          readers,
          signal,
          algorithm: deps.store.algorithm,
          maxBytes: deps.maxArchiveBytes ?? 4 * 1024 ** 3,
          ignore: object.spec.ignore,
        }),
      ),
    ),
  );
  run.status.artifact = artifact;
  observeContentConfig(object, run.status, included);
  const result = succeed(run, revision, `stored artifact for commit '${shortMessage(commit.commit)}'`);
  return { ...result, leftOut: describeLinks(checkout.links) };
}

const mostLinksNamed = 5;

/** Flux leaves links out without a word; where files seem to be missing, this is why. */
function describeLinks(links: readonly string[]): string | undefined {
  if (links.length <= 1) return links[0] === undefined ? undefined : `left out the symbolic link: ${links[0]}`;
  const named = links.slice(0, mostLinksNamed).join(', ');
  return `left out ${links.length} symbolic links: ${named}${links.length > mostLinksNamed ? ', …' : ''}`;
}

function succeed(run: Run, revision: string, stored: string): SourceResult {
  const { object } = run;
  const message = `stored artifact for revision '${revision}'`;
  removeConditions(object, 'ArtifactOutdated', 'StorageOperationFailed', 'IncludeUnavailable');
  setCondition(object, { type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message });
  return { stored };
}
