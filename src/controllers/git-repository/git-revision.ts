import type { GitReference } from '../../api/git-repository.ts';
import { errorMessage, MillraceError } from '../../base/error.ts';
import type { RemoteRef } from '../../git/ls-remote.ts';
import { isObjectId, isRefName } from '../../git/ref-name.ts';
import { highestTags } from '../source/highest-tags.ts';

/** What a `spec.ref` asks for: one ref of the remote, or one commit, or the best of its tags. */
export type GitTarget =
  | { kind: 'ref'; name: string; source: string; tag?: string }
  | { kind: 'commit'; name: string | undefined; commit: string; fallbackRef?: string }
  | { kind: 'semver'; range: string };

/**
 * The target of a reference. Its fields are looked at in the order of the reference implementation: commit, name, tag,
 * semver, branch (spec/source.md §3.3); the branch defaults to `master`. Throws GIT_REF_NOT_FOUND for what cannot exist.
 */
export function gitTarget(ref: GitReference | undefined): GitTarget {
  if (ref?.commit) return commitTarget(ref.commit, ref.branch);
  if (ref?.name) return nameTarget(ref.name);
  if (ref?.tag) return { kind: 'ref', name: ref.tag, source: `refs/tags/${ref.tag}`, tag: ref.tag };
  if (ref?.semver) return { kind: 'semver', range: ref.semver };
  const branch = ref?.branch || 'master';
  return { kind: 'ref', name: branch, source: `refs/heads/${branch}` };
}

/** Both set, the tag wins, against what the documentation says: worth a word to the user. */
export function hasDoubtfulReference(ref: GitReference | undefined): boolean {
  return !ref?.commit && !ref?.name && Boolean(ref?.tag) && Boolean(ref?.semver);
}

/** `main@sha1:…`, or `sha1:…` for a bare commit (spec/source.md §2.2). */
export function formatRevision(name: string | undefined, commit: string): string {
  const hash = `${commit.length === 64 ? 'sha256' : 'sha1'}:${commit}`;
  return name === undefined ? hash : `${name}@${hash}`;
}

/** Revisions of before Flux 2.0 (`main/<hash>`, `HEAD/<hash>`) in today's form. */
export function normaliseRevision(revision: string): string {
  if (revision.includes(':')) return revision;
  const slash = revision.lastIndexOf('/');
  const name = slash < 0 ? '' : revision.slice(0, slash);
  return formatRevision(name === '' || name === 'HEAD' ? undefined : name, revision.slice(slash + 1));
}

/**
 * The refs of the highest version in a range; several where versions differ in their build metadata alone. Throws
 * GIT_REF_NOT_FOUND where none fits, GIT_RANGE_INVALID.
 */
export function bestTags(range: string, refs: Iterable<RemoteRef>): RemoteRef[] {
  const byTag = new Map([...refs].map((ref) => [ref.name.replace(/^refs\/tags\//, ''), ref]));
  const found = parsed(() => highestTags(range, byTag.keys()));
  if (found.length === 0) throw refNotFound(`no match found for semver: ${range}`);
  return found.map((tag) => byTag.get(tag)).filter((ref) => ref !== undefined);
}

export function refNotFound(message: string, hint = 'Check spec.ref.'): MillraceError {
  return new MillraceError('GIT_REF_NOT_FOUND', message, { hint });
}

function parsed<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new MillraceError('GIT_RANGE_INVALID', `semver parse error: ${errorMessage(cause)}`, { cause });
  }
}

function commitTarget(commit: string, branch: string | undefined): GitTarget {
  if (!isObjectId(commit)) throw refNotFound(`commit '${commit}' is not a full hash`);
  return {
    kind: 'commit',
    name: branch || undefined,
    commit,
    ...(branch ? { fallbackRef: `refs/heads/${branch}` } : {}),
  };
}

function nameTarget(name: string): GitTarget {
  if (name.startsWith('/') || name.endsWith('/')) {
    throw refNotFound(`ref ${name} is invalid; Git refs cannot begin or end with a slash '/'`);
  }
  if (!isRefName(name)) throw refNotFound(`unable to resolve ref '${name}' to a specific commit`);
  const tag = /^refs\/tags\/(.+)$/.exec(name)?.[1];
  return { kind: 'ref', name, source: name, ...(tag === undefined ? {} : { tag }) };
}
