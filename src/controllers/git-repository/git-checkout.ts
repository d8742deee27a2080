import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../base/digest.ts';
import { isMillraceError, MillraceError } from '../../base/error.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import { headerTime, parseCommit, parseTag, type SignedObject, tagTarget } from '../../git/commit-object.ts';
import { listRefNames, listRemoteRefs, type RemoteRef } from '../../git/ls-remote.ts';
import { fetchCommit, fetchInto, type Mirror, openMirror, tidyMirror } from '../../git/mirror.ts';
import { type ObjectReader, withObjects } from '../../git/objects.ts';
import type { Git } from '../../git/program.ts';
import { isRefName } from '../../git/ref-name.ts';
import type { GitRemote } from '../../git/remote.ts';
import { bestTags, formatRevision, type GitTarget, refNotFound } from './git-revision.ts';

/** Where a GitRepository's commits come from and go to. */
export interface CheckoutPlace {
  git: Git;
  remote: GitRemote;
  /** Folder of all mirrors. */
  mirrorsDir: string;
  key: ObjectKey;
  signal: AbortSignal;
  /** A repository may not send more than this. */
  maxBytes: number;
  /** Mirrors that this run needs, by the names of their folders; others may go. */
  used: Set<string>;
}

/** A commit that is on this machine. */
export interface FetchedCommit {
  mirror: Mirror;
  /** What was fetched: for an annotated tag, the tag object. */
  oid: string;
  /** The part before `@` of the revision: branch, tag or ref as the user wrote it; undefined for a bare commit. */
  name: string | undefined;
  tag?: string;
}

/** The folder of an object's mirrors: nothing is shared between objects, as their credentials differ. */
export function mirrorsOf({ mirrorsDir, key }: Pick<CheckoutPlace, 'mirrorsDir' | 'key'>): string {
  return join(mirrorsDir, key.namespace, key.name);
}

/**
 * Fetches a target unless it is what `stored` (a revision, undefined for none) says; undefined then. Asks before it fetches
 * only where there is something to compare with. A pinned commit that is stored needs no question at all.
 */
export async function fetchTarget(
  place: CheckoutPlace,
  target: GitTarget,
  stored: string | undefined,
): Promise<FetchedCommit | undefined> {
  switch (target.kind) {
    case 'commit':
      if (stored === formatRevision(target.name, target.commit)) return undefined;
      return { ...(await fetchPinned(place, target)), name: target.name };
    case 'semver':
      return fetchBestTag(place, target.range, stored);
    case 'ref':
      return fetchRef(place, target, stored);
  }
}

async function fetchRef(
  place: CheckoutPlace,
  target: Extract<GitTarget, { kind: 'ref' }>,
  stored: string | undefined,
): Promise<FetchedCommit | undefined> {
  const { name, source, tag } = target;
  // What is no name of a ref could mean several to git, or something else altogether.
  if (!isRefName(source)) throw await missingRef(place, target);
  if (stored !== undefined) {
    const found = (await list(place, [source], stored)).get(source);
    if (found === undefined) throw await missingRef(place, target);
    if (stored === formatRevision(name, found.commit)) return undefined;
  }
  try {
    return { ...(await fetchSource(place, source)), name, ...(tag === undefined ? {} : { tag }) };
  } catch (error) {
    throw isMillraceError(error, 'GIT_REF_NOT_FOUND') ? await missingRef(place, target) : error;
  }
}

async function fetchBestTag(
  place: CheckoutPlace,
  range: string,
  stored: string | undefined,
): Promise<FetchedCommit | undefined> {
  const candidates = bestTags(range, (await list(place, ['refs/tags/*'], stored)).values());
  const fetched = new Map<RemoteRef, FetchedCommit>();
  const nameOf = (ref: RemoteRef) => ref.name.slice('refs/tags/'.length);
  let best: RemoteRef | undefined;
  let bestTime = -1;
  for (const candidate of candidates) {
    const name = nameOf(candidate);
    if (candidates.length === 1 && stored === formatRevision(name, candidate.commit)) return undefined;
    const found = { ...(await fetchSource(place, candidate.name)), name, tag: name };
    fetched.set(candidate, found);
    const time = candidates.length === 1 ? 0 : await commitTime(place, found);
    if (time > bestTime) {
      best = candidate;
      bestTime = time;
    }
  }
  if (best === undefined) throw refNotFound(`no match found for semver: ${range}`);
  return stored === formatRevision(nameOf(best), best.commit) ? undefined : fetched.get(best);
}

async function commitTime({ git, signal }: CheckoutPlace, { mirror, oid }: FetchedCommit): Promise<number> {
  const { commit } = await withObjects(git, mirror.gitDir, signal, (objects) => readCommit(objects, oid));
  return headerTime(commit.headers.get('committer'));
}

function list(place: CheckoutPlace, patterns: string[], stored: string | undefined): Promise<Map<string, RemoteRef>> {
  const what = stored === undefined ? 'unable to clone' : 'unable to list remote for';
  return listRemoteRefs(place.git, place.remote, patterns, place.signal, what);
}

/** Why a ref was not found: the repository has no commit at all, or not this ref. */
async function missingRef(
  place: CheckoutPlace,
  { name, source }: { name: string; source: string },
): Promise<MillraceError> {
  const refs = await listRefNames(place.git, place.remote, place.signal);
  if (refs.length === 0) {
    return new MillraceError('GIT_REPOSITORY_EMPTY', 'git repository is empty', { hint: 'Push a first commit.' });
  }
  const hint = hintOf(source, refs);
  if (name === source) return refNotFound(`unable to resolve ref '${name}' to a specific commit`, hint);
  const message = `unable to clone: couldn't find remote ref "${source}": git repository: '${place.remote.url}'`;
  return refNotFound(message, hint);
}

const mostNamed = 5;

/** What there is in the place of a missing branch or tag: often just `main` for `master`. */
function hintOf(source: string, refs: readonly string[]): string {
  const space = source.startsWith('refs/tags/') ? 'refs/tags/' : 'refs/heads/';
  const names = refs.filter((ref) => ref.startsWith(space)).map((ref) => ref.slice(space.length));
  const what = space === 'refs/tags/' ? 'tags' : 'branches';
  if (names.length === 0) return `Check spec.ref: the repository has no ${what}.`;
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `Check spec.ref: the repository has the ${what} ${names.slice(0, mostNamed).join(', ')}${more}.`;
}

function fetchSource(place: CheckoutPlace, source: string): Promise<{ mirror: Mirror; oid: string }> {
  const { git, remote, signal, maxBytes } = place;
  return inMirror(place, (mirror) => fetchInto(git, mirror, remote, source, { signal, maxBytes }));
}

/** Fetches one commit by hash, from any remote that shares the object's folder of mirrors. */
export function fetchPinned(
  place: CheckoutPlace,
  { commit, fallbackRef }: { commit: string; fallbackRef?: string },
): Promise<{ mirror: Mirror; oid: string }> {
  const { git, remote, signal, maxBytes } = place;
  const fallback = fallbackRef === undefined ? {} : { fallbackRef };
  return inMirror(place, (mirror) => fetchCommit(git, mirror, remote, commit, { signal, maxBytes, ...fallback }));
}

/** Works in the mirror of the remote; one that turns out to be damaged, or for another hash, is made anew, once. */
async function inMirror(
  place: CheckoutPlace,
  work: (mirror: Mirror) => Promise<string>,
): Promise<{ mirror: Mirror; oid: string }> {
  const folder = sha256Hex(place.remote.url).slice(0, 16);
  const gitDir = join(mirrorsOf(place), folder);
  place.used.add(folder);
  const attempt = async (hash?: 'sha256') => {
    const mirror = await openMirror(gitDir, hash);
    const oid = await work(mirror);
    await tidyMirror(place.git, mirror, place);
    return { mirror, oid };
  };
  try {
    return await attempt();
  } catch (error) {
    if (!isMillraceError(error, 'GIT_OBJECT_UNREADABLE', 'GIT_HASH_DIFFERS')) throw error;
    await rm(gitDir, { recursive: true, force: true });
    return attempt(/server sha256/.test(error.message) ? 'sha256' : undefined);
  }
}

/** Removes the object's mirrors that a run had no use for: of an earlier URL, of submodules that are gone. */
export async function removeUnusedMirrors(place: CheckoutPlace): Promise<void> {
  const dir = mirrorsOf(place);
  for (const name of await readdir(dir).catch(() => [])) {
    if (!place.used.has(name)) await rm(join(dir, name), { recursive: true, force: true });
  }
}

export interface ReadCommit {
  /** Hash of the commit. */
  oid: string;
  commit: SignedObject;
  /** The annotated tag in front of it. */
  tag?: SignedObject;
  tree: string;
}

/** Reads a commit, through the tags that point at it; of nested tags, the outermost is kept. */
export async function readCommit(objects: ObjectReader, fetched: string): Promise<ReadCommit> {
  const { header, data } = await objects.read(fetched);
  if (header.type === 'commit') {
    const commit = parseCommit(data);
    return { oid: fetched, commit, tree: commit.headers.get('tree') ?? '' };
  }
  if (header.type !== 'tag') throw new Error(`object ${fetched} is a ${header.type}, not a commit`);
  const tag = parseTag(data);
  return { ...(await readCommit(objects, tagTarget(tag))), tag };
}

const subjectLength = 50;

/** First line of the message, cut after 50 characters. */
export function shortMessage({ message }: SignedObject): string {
  const subject = [...(message.split('\n', 1)[0] ?? '')];
  return subject.length > subjectLength ? `${subject.slice(0, subjectLength).join('')}...` : subject.join('');
}
