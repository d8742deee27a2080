import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../base/error.ts';
import { formatCommit, type Person } from './commit-object.ts';
import { fetchInto, openMirror } from './mirror.ts';
import { type Git, type GitRunOptions, mustRun } from './program.ts';
import { isObjectId, isRefName } from './ref-name.ts';
import type { GitRemote } from './remote.ts';
import { type SigningKey, signPayload } from './signature/sign.ts';

/** A checked-out commit that can be changed, committed and pushed. The folder belongs to the caller, who removes it. */
export interface WorkTree {
  /** The files. */
  dir: string;
  gitDir: string;
  /** Hash of the commit that is checked out, '' before the first one; `commitAll` moves it. */
  head: string;
}

export interface CloneOptions {
  signal: AbortSignal;
  /** An empty or missing folder; `tree/` and `git/` are made in it. A folder used before brings only the difference. */
  dir: string;
  /** Full ref name (`refs/heads/main`) or commit hash. */
  source: string;
  /** Limits the checkout to these folders; the commit still has everything. */
  sparse?: readonly string[];
  /** Default 1; 0 is the whole history. */
  depth?: number;
  maxBytes?: number;
}

/**
 * Files are the stored bytes: no line-end conversion, no filter, whatever .gitattributes says. Symbolic links come out
 * as small text files holding their target, so that no edit can follow one out of the tree; git still commits them as links.
 */
const rawBytes = '* -text !eol -filter -ident !working-tree-encoding\n';

/** Fetches one commit, shallow, and checks it out. Throws the GIT_… errors of fetching. */
export async function cloneWorkTree(git: Git, remote: GitRemote, options: CloneOptions): Promise<WorkTree> {
  const { signal, source } = options;
  if (!isObjectId(source) && !isRefName(source)) throw invalidRef(source);
  const dir = join(options.dir, 'tree');
  const mirror = await openMirror(join(options.dir, 'git'));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(mirror.gitDir, 'info/attributes'), rawBytes);
  const fetched = await fetchInto(git, mirror, remote, source, {
    signal,
    ...(options.depth === undefined ? {} : { depth: options.depth }),
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
  });
  const workTree: WorkTree = { dir, gitDir: mirror.gitDir, head: fetched };
  const sparse = await writeSparsePatterns(mirror.gitDir, options.sparse ?? []);
  workTree.head = (await local(git, workTree, ['rev-parse', `${fetched}^{commit}`], { signal })).trim();
  await checkOut(git, workTree, sparse, signal);
  return workTree;
}

/** An empty work tree, for the first commit of a repository that has none. */
export async function initWorkTree(options: { dir: string }): Promise<WorkTree> {
  const dir = join(options.dir, 'tree');
  const { gitDir } = await openMirror(join(options.dir, 'git'));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(gitDir, 'info/attributes'), rawBytes);
  return { dir, gitDir, head: '' };
}

/** Puts another commit (fetched from the same remote) into the work tree; local changes are dropped. */
export async function switchWorkTree(
  git: Git,
  remote: GitRemote,
  workTree: WorkTree,
  source: string,
  signal: AbortSignal,
): Promise<void> {
  workTree.head = await fetchInto(git, { gitDir: workTree.gitDir }, remote, source, { signal });
  await checkOut(git, workTree, false, signal);
}

export interface CommitOptions {
  signal: AbortSignal;
  message: string;
  author: Person;
  /** Milliseconds since the epoch. */
  time: number;
  signingKey?: SigningKey;
}

/**
 * Commits every change in the work tree on top of `head` and returns the new hash, or undefined where nothing changed.
 * The commit is written by ourselves (no hooks, no editor, no identity from anywhere else); nothing is pushed.
 */
export async function commitAll(git: Git, workTree: WorkTree, options: CommitOptions): Promise<string | undefined> {
  const { signal } = options;
  await local(git, workTree, ['add', '--all'], { signal });
  const tree = (await local(git, workTree, ['write-tree'], { signal })).trim();
  const isFirst = workTree.head === '';
  const before = isFirst ? undefined : await local(git, workTree, ['rev-parse', `${workTree.head}^{tree}`], { signal });
  if (tree === before?.trim()) return undefined;
  const commit = {
    tree,
    parents: isFirst ? [] : [workTree.head],
    author: options.author,
    committer: options.author,
    time: options.time,
    message: options.message,
  };
  const unsigned = formatCommit(commit);
  const signature =
    options.signingKey === undefined ? undefined : await signPayload(git, options.signingKey, unsigned, signal);
  const input = signature === undefined ? unsigned : formatCommit(commit, signature);
  workTree.head = (
    await local(git, workTree, ['hash-object', '-t', 'commit', '-w', '--stdin'], { signal, input })
  ).trim();
  return workTree.head;
}

async function checkOut(git: Git, workTree: WorkTree, sparse: boolean, signal: AbortSignal): Promise<void> {
  const config: [string, string][] = [['core.sparseCheckout', String(sparse)]];
  await local(git, workTree, ['read-tree', '--reset', '-u', workTree.head], { signal, config });
  await local(git, workTree, ['clean', '-ffdxq'], { signal });
}

async function writeSparsePatterns(gitDir: string, folders: readonly string[]): Promise<boolean> {
  const patterns = folders
    .map((folder) => folder.replace(/^\.?\/+|\/+$/g, ''))
    .filter((folder) => folder !== '' && folder !== '.')
    .map((folder) => `/${folder.replace(/[\\*?[]/g, '\\$&')}/\n`);
  if (patterns.length === 0) return false;
  await writeFile(join(gitDir, 'info/sparse-checkout'), patterns.join(''));
  return true;
}

async function local(
  git: Git,
  { dir, gitDir }: WorkTree,
  args: readonly string[],
  options: Pick<GitRunOptions, 'signal' | 'input' | 'config'>,
): Promise<string> {
  const config = [...(options.config ?? []), ['core.bare', 'false'], ['core.symlinks', 'false']] as const;
  const output = await mustRun(git, args, { ...options, config, gitDir, workTree: dir, cwd: dir });
  return output.toString('utf8');
}

export function invalidRef(name: string): MillraceError {
  return new MillraceError('BAD_INPUT', `'${name}' is not a git ref name`, { retry: 'never' });
}
