import { type Git, mustRun } from '../../git/program.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Sync } from './sync.ts';

/** The rehearsed repository as it lies in the embedded git server. */
export interface RehearsedRepository {
  sandbox: Sandbox;
  git: Git;
  repository: string;
  sync: Pick<Sync, 'branch'>;
}

/** A commit that the rehearsal brought about. */
export interface RehearsedCommit {
  hash: string;
  message: string;
  /** Unified diff from the rehearsed tree. */
  diff: string;
}

async function run(where: RehearsedRepository, args: readonly string[], signal: AbortSignal): Promise<string> {
  const gitDir = where.sandbox.git.repositoryPath(where.repository) ?? '';
  return (await mustRun(where.git, args, { gitDir, signal })).toString('utf8');
}

/** The newest commit of the branch that the cluster is synchronised from. */
export async function headOf(where: RehearsedRepository, signal: AbortSignal): Promise<string> {
  return (await run(where, ['rev-parse', `refs/heads/${where.sync.branch}`], signal)).trim();
}

/**
 * Merges branches that an automation has pushed beside the synchronised one, as a person does who accepts its pull request.
 * Returns the names of those that were merged now.
 */
export async function mergeOtherBranches(where: RehearsedRepository, signal: AbortSignal): Promise<string[]> {
  const target = `refs/heads/${where.sync.branch}`;
  const listed = await run(where, ['for-each-ref', '--format=%(refname)', '--no-merged', target, 'refs/heads'], signal);
  const merged: string[] = [];
  for (const ref of listed.split('\n').filter((line) => line !== '')) {
    const [base, head] = [await headOf(where, signal), (await run(where, ['rev-parse', ref], signal)).trim()];
    const isAhead = (await run(where, ['merge-base', base, head], signal)).trim() === base;
    if (!isAhead) continue;
    await run(where, ['update-ref', target, head, base], signal);
    merged.push(ref.replace('refs/heads/', ''));
  }
  return merged;
}

/** What was committed since `base`; undefined where nothing was. */
export async function commitSince(
  where: RehearsedRepository,
  base: string,
  signal: AbortSignal,
): Promise<RehearsedCommit | undefined> {
  const hash = await headOf(where, signal);
  if (hash === base) return undefined;
  const message = (await run(where, ['log', '--format=%B', `${base}..${hash}`], signal)).trim();
  const diff = await run(where, ['diff', '--no-color', '--no-ext-diff', base, hash], signal);
  return { hash, message, diff };
}
