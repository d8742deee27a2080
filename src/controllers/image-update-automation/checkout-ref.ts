import type { GitReference } from '../../api/git-repository.ts';
import { listRemoteRefs } from '../../git/ls-remote.ts';
import type { Git } from '../../git/program.ts';
import type { GitRemote } from '../../git/remote.ts';
import { bestTags, gitTarget, refNotFound } from '../git-repository/git-revision.ts';

/** What is to be checked out. */
export interface CheckoutRef {
  /** The part of a revision before `@`; undefined for a bare commit. */
  name: string | undefined;
  /** Full ref name, or the commit's hash. */
  source: string;
  commit: string;
}

/** Asks the remote what a reference is now: one listing, none for a commit. Throws GIT_REF_NOT_FOUND and the errors of listing. */
export async function resolveCheckoutRef(
  ref: GitReference,
  { git, remote, signal }: { git: Git; remote: GitRemote; signal: AbortSignal },
): Promise<CheckoutRef> {
  const target = gitTarget(ref);
  if (target.kind === 'commit') return { name: target.name, source: target.commit, commit: target.commit };
  const pattern = target.kind === 'semver' ? 'refs/tags/*' : target.source;
  const refs = await listRemoteRefs(git, remote, [pattern], signal);
  if (target.kind === 'semver') {
    const [best] = bestTags(target.range, refs.values());
    if (best !== undefined)
      return { name: best.name.slice('refs/tags/'.length), source: best.name, commit: best.commit };
    throw refNotFound(`no match found for semver: ${target.range}`);
  }
  const found = refs.get(target.source);
  if (found !== undefined) return { name: target.name, source: target.source, commit: found.commit };
  throw refNotFound(`unable to clone: couldn't find remote ref "${target.source}": git repository: '${remote.url}'`);
}
