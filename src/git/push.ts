import { isMillraceError, MillraceError } from '../base/error.ts';
import { gitError } from './git-error.ts';
import { listRemoteRefs, runWithRemote } from './ls-remote.ts';
import type { ProcessResult } from './process.ts';
import type { Git } from './program.ts';
import { isRefName } from './ref-name.ts';
import type { GitRemote } from './remote.ts';
import { invalidRef, type WorkTree } from './work-tree.ts';

export interface PushOptions {
  signal: AbortSignal;
  /** Full name on the server: `refs/heads/main`. */
  target: string;
  /** Overwrite what is there. */
  force?: boolean;
  /** With `force`: only where the server's ref still is this hash ('' where it must not exist). */
  expected?: string;
  /** Ask the server as for a push, and send nothing. What hooks and branch protection say shows with a real push only. */
  dryRun?: boolean;
  /** Server push options, `key=value` each. */
  pushOptions?: readonly string[];
}

/**
 * Pushes the work tree's head. Throws GIT_PUSH_MOVED where the branch has moved (fetch, redo, push again), and
 * GIT_PUSH_REFUSED where the server does not want it (protected branch, hook). An answer lost on the way back is no
 * failure when the server's ref turns out to be ours.
 */
export async function pushHead(git: Git, remote: GitRemote, workTree: WorkTree, options: PushOptions): Promise<void> {
  if (!isRefName(options.target)) throw invalidRef(options.target);
  return pushRefspec(git, remote, workTree, `${workTree.head}:${options.target}`, options);
}

/** Pushes a refspec as it is written; in it, `HEAD` is the work tree's head. See `pushHead` for the errors. */
export async function pushRefspec(
  git: Git,
  remote: GitRemote,
  workTree: WorkTree,
  refspec: string,
  options: Omit<PushOptions, 'target'>,
): Promise<void> {
  const args = ['push', '-q', '--porcelain', '--no-verify', '--no-recurse-submodules'];
  const target = refspec.slice(refspec.indexOf(':') + 1);
  if (options.dryRun) args.push('--dry-run');
  if (options.force) args.push('--force');
  if (options.expected !== undefined) args.push(`--force-with-lease=${target}:${options.expected}`);
  for (const option of options.pushOptions ?? []) args.push(`--push-option=${option}`);
  const spec = refspec.replace(/^(\+?)HEAD(?=:|$)/, `$1${workTree.head}`);
  const { gitDir } = workTree;
  const result = await runWithRemote(git, remote, [...args, '--', remote.url, spec], {
    gitDir,
    signal: options.signal,
  });
  if (result.exitCode === 0) return;
  const error = pushError(remote, target, result);
  if (!isMillraceError(error, 'GIT_AUTH_DENIED') && (await hasArrived(git, remote, target, workTree, options.signal)))
    return;
  throw error;
}

function pushError(remote: GitRemote, target: string, result: ProcessResult): MillraceError {
  const what = `unable to push to ${target} of '${remote.url}'`;
  const [, why] = /^!\t[^\t]*\t\[(?:remote )?rejected\] \((.*)\)$/m.exec(result.stdout.toString('utf8')) ?? [];
  if (why === undefined) return gitError(what, result);
  const moved =
    /fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|failed to lock|already exists|incorrect old value/i;
  if (moved.test(why)) {
    return new MillraceError('GIT_PUSH_MOVED', `${what}: ${why}`, {
      hint: 'Fetch the new head and apply the change to it.',
    });
  }
  const said = result.stderr.split('\n').filter((line) => /^remote: \S/.test(line));
  const detail = said
    .map((line) => line.slice('remote: '.length).trim())
    .join(' ')
    .slice(0, 500);
  return new MillraceError('GIT_PUSH_REFUSED', `${what}: ${why}${detail === '' ? '' : ` (${detail})`}`, {
    hint: 'The server forbids it: check branch protection, hooks and what the credential may write.',
  });
}

async function hasArrived(
  git: Git,
  remote: GitRemote,
  target: string,
  workTree: WorkTree,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await listRemoteRefs(git, remote, [target], signal)).get(target)?.oid === workTree.head;
  } catch {
    return false;
  }
}
