import { MillraceError } from '../../base/error.ts';
import { listRemoteRefs, type RemoteRef } from '../../git/ls-remote.ts';
import type { Git } from '../../git/program.ts';
import { isObjectId, isRefName } from '../../git/ref-name.ts';
import type { GitRemote } from '../../git/remote.ts';
import type { GitRef } from './git-object.ts';

/** What is to be fetched for a `spec.ref`. */
export interface WantedCommit {
  /** The part before `@` of the revision: branch, tag or full name as the user wrote it; undefined for a bare commit. */
  name: string | undefined;
  /** Full ref name, or the commit's hash. */
  source: string;
  commit: string;
  /** The tag, where the reference is one. */
  tag?: string;
  /** For a pinned commit: the ref whose history holds it, for servers that do not give commits by hash. */
  fallbackRef?: string;
}

/** Versions of tags: the images room knows the rules (Masterminds/semver). Tags in the range, highest first; ties are kept together. */
export type RankTags = (range: string, tags: readonly string[]) => string[][];

export interface ResolveOptions {
  git: Git;
  remote: GitRemote;
  rankTags: RankTags;
  /** Of tags with equal versions, the one to take. */
  newestOf(tags: readonly RemoteRef[]): Promise<RemoteRef>;
  /** How a failed listing is introduced: `unable to clone` at the first contact. */
  what: string;
  signal: AbortSignal;
}

/**
 * Resolves a reference in the order in which the reference implementation looks at its fields: commit, name, tag, semver,
 * branch (spec/source.md §3.3); the branch defaults to `master`. One listing at the most; none for a commit.
 * Throws GIT_REF_NOT_FOUND, GIT_REPOSITORY_EMPTY, and the errors of listing.
 */
export async function resolveGitRef(ref: GitRef | undefined, options: ResolveOptions): Promise<WantedCommit> {
  if (ref?.commit) return pinnedCommit(ref.commit, ref.branch);
  if (ref?.name) return namedRef(ref.name, options);
  if (ref?.tag) return { ...(await findRef(`refs/tags/${ref.tag}`, options)), name: ref.tag, tag: ref.tag };
  if (ref?.semver) return semverTag(ref.semver, options);
  const branch = ref?.branch || 'master';
  return { ...(await findRef(`refs/heads/${branch}`, options)), name: branch };
}

/** `main@sha1:…`, or `sha1:…` for a bare commit (spec/source.md §2.2). */
export function formatRevision({ name }: Pick<WantedCommit, 'name'>, commit: string): string {
  const hash = `${commit.length === 64 ? 'sha256' : 'sha1'}:${commit}`;
  return name === undefined ? hash : `${name}@${hash}`;
}

/** Revisions of before Flux 2.0 (`main/<hash>`, `HEAD/<hash>`) in today's form. */
export function normaliseRevision(revision: string): string {
  if (revision.includes(':')) return revision;
  const slash = revision.lastIndexOf('/');
  const name = slash < 0 ? '' : revision.slice(0, slash);
  const commit = revision.slice(slash + 1);
  return formatRevision({ name: name === '' || name === 'HEAD' ? undefined : name }, commit);
}

function pinnedCommit(commit: string, branch: string | undefined): WantedCommit {
  if (!isObjectId(commit)) throw notFound(`commit '${commit}' is not a full hash`);
  return {
    name: branch || undefined,
    source: commit,
    commit,
    ...(branch ? { fallbackRef: `refs/heads/${branch}` } : {}),
  };
}

async function namedRef(name: string, options: ResolveOptions): Promise<WantedCommit> {
  if (name.startsWith('/') || name.endsWith('/')) {
    throw notFound(`ref ${name} is invalid; Git refs cannot begin or end with a slash '/'`);
  }
  const refs = isRefName(name) || name === 'HEAD' ? await list([name], options) : new Map<string, RemoteRef>();
  const found = refs.get(name);
  if (found === undefined) throw notFound(`unable to resolve ref '${name}' to a specific commit`);
  const tag = /^refs\/tags\/(.+)$/.exec(name)?.[1];
  return { name, source: name, commit: found.commit, ...(tag === undefined ? {} : { tag }) };
}

async function semverTag(range: string, options: ResolveOptions): Promise<WantedCommit> {
  const refs = await list(['refs/tags/*'], options);
  const names = [...refs.keys()].map((name) => name.slice('refs/tags/'.length));
  const [best = []] = options.rankTags(range, names);
  const candidates = best.map((tag) => refs.get(`refs/tags/${tag}`)).filter((found) => found !== undefined);
  const [first] = candidates;
  if (first === undefined) throw notFound(`no match found for semver: ${range}`);
  const chosen = candidates.length === 1 ? first : await options.newestOf(candidates);
  const tag = chosen.name.slice('refs/tags/'.length);
  return { name: tag, source: chosen.name, commit: chosen.commit, tag };
}

async function findRef(full: string, options: ResolveOptions): Promise<{ source: string; commit: string }> {
  const { remote } = options;
  const missing = `unable to clone: couldn't find remote ref "${full}": git repository: '${remote.url}'`;
  if (!isRefName(full)) throw notFound(missing);
  const found = (await list([full], options)).get(full);
  if (found !== undefined) return { source: full, commit: found.commit };
  if ((await list(['HEAD', 'refs/heads/*', 'refs/tags/*'], options)).size > 0) throw notFound(missing);
  throw new MillraceError('GIT_REPOSITORY_EMPTY', 'git repository is empty', { hint: 'Push a first commit.' });
}

function list(patterns: string[], { git, remote, what, signal }: ResolveOptions): Promise<Map<string, RemoteRef>> {
  return listRemoteRefs(git, remote, patterns, signal, what);
}

function notFound(message: string): MillraceError {
  return new MillraceError('GIT_REF_NOT_FOUND', message, { hint: 'Check spec.ref.' });
}
