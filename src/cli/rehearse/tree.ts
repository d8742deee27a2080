import { execFile } from 'node:child_process';
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { redact } from '../../base/redact.ts';
import type { CliContext } from '../context.ts';

const run = promisify(execFile);

/** A copy of the user's GitOps repository; what is done to it never reaches the original. */
export interface Tree {
  /** Absolute; a folder of our own. */
  dir: string;
  /** Paths of the files below it, in order. */
  files: string[];
  /** The URL that the original is fetched from and pushed to, where it has one. */
  origin: string | undefined;
  /** What it is a copy of, for the report. */
  description: string;
  close(): Promise<void>;
}

/**
 * Copies a folder as it is now (what git tracks and what it would add, with changes that nobody has committed), or the newest
 * commit of a URL. The original is only read. Throws REHEARSAL_IMPOSSIBLE.
 */
export async function takeTree(
  repo: string,
  { ref }: { ref?: string | undefined },
  context: Pick<CliContext, 'cwd' | 'env' | 'signal'>,
): Promise<Tree> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-rehearsal-tree-'));
  const close = () => rm(dir, { recursive: true, force: true });
  try {
    const taken =
      isUrl(repo) || ref !== undefined
        ? await cloneInto(dir, repo, ref, context)
        : await copyInto(dir, resolve(context.cwd, repo), context);
    const files = await filesBelow(dir);
    if (files.length === 0) throw impossible(`${redact(repo)} holds no files`);
    return { dir, files, ...taken, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function isUrl(repo: string): boolean {
  return /^(https?|ssh|file):\/\//.test(repo) || /^[\w.-]+@[\w.-]+:/.test(repo);
}

/** With the user's own git: its credential helpers and its SSH are what reaches the repository. */
async function cloneInto(
  dir: string,
  repo: string,
  ref: string | undefined,
  { cwd, env, signal }: Pick<CliContext, 'cwd' | 'env' | 'signal'>,
) {
  const source = isUrl(repo) ? repo : `file://${resolve(cwd, repo)}`;
  const branch = ref === undefined ? [] : [`--branch=${ref.replace(/^refs\/(heads|tags)\//, '')}`];
  try {
    await run('git', ['clone', '--quiet', '--depth=1', '--no-tags', ...branch, '--', source, dir], {
      env: { ...env, GIT_TERMINAL_PROMPT: '0', GIT_ALLOW_PROTOCOL: 'http:https:ssh:file' },
      signal,
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw impossible(`git cannot clone ${redact(repo)}: ${saidBy(cause)}`, cause);
  }
  const { stdout } = await run('git', ['-C', dir, 'rev-parse', '--short', 'HEAD'], { env: { ...env }, signal });
  const origin = isUrl(repo) ? repo : await originOf(resolve(cwd, repo), { env, signal });
  await rm(join(dir, '.git'), { recursive: true, force: true });
  return { origin, description: `${redact(repo)} at ${ref === undefined ? '' : `${ref}, `}${stdout.trim()}` };
}

async function copyInto(dir: string, from: string, { env, signal }: Pick<CliContext, 'env' | 'signal'>) {
  const found = await stat(from).catch(() => undefined);
  if (found?.isDirectory() !== true) throw impossible(`${from} is not a folder`);
  const listed = (await listedByGit(from, { env, signal })) ?? (await filesBelow(from));
  for (const path of listed) {
    // A file that git still lists may be gone; a submodule is a folder.
    const entry = await lstat(join(from, path)).catch(() => undefined);
    if (entry === undefined || entry.isDirectory()) continue;
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await cp(join(from, path), join(dir, path), { verbatimSymlinks: true });
  }
  return { origin: await originOf(from, { env, signal }), description: `${from} as it is` };
}

/** What git tracks or would add; undefined outside a repository. */
async function listedByGit(
  dir: string,
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
): Promise<string[] | undefined> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  try {
    const { stdout } = await run('git', [...readOnly, '-C', dir, ...args], {
      env: { ...env, GIT_OPTIONAL_LOCKS: '0' },
      signal,
      maxBuffer: 256 * 1024 * 1024,
    });
    return stdout.split('\0').filter((path) => path !== '' && !path.startsWith('../'));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** In containers of CI a checkout often belongs to somebody else; it is only read here, and no program of it runs. */
const readOnly = ['-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];

async function originOf(dir: string, { env, signal }: Pick<CliContext, 'env' | 'signal'>): Promise<string | undefined> {
  const answer = await run('git', [...readOnly, '-C', dir, 'config', '--get', 'remote.origin.url'], {
    env: { ...env },
    signal,
  }).catch(() => undefined);
  return answer?.stdout.trim() || undefined;
}

async function filesBelow(dir: string, below = ''): Promise<string[]> {
  const entries = await readdir(join(dir, below), { withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === '.git') continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await filesBelow(dir, path)));
    else files.push(path);
  }
  return files;
}

/** The text of a file of the tree; undefined for links, and for what is too large to be a manifest. */
export async function readTreeFile({ dir }: Pick<Tree, 'dir'>, path: string): Promise<string | undefined> {
  const entry = await lstat(join(dir, path));
  return entry.isFile() && entry.size <= largestManifest ? readFile(join(dir, path), 'utf8') : undefined;
}

const largestManifest = 8 * 1024 * 1024;

export function impossible(what: string, cause?: unknown, hint?: string): MillraceError {
  return new MillraceError('REHEARSAL_IMPOSSIBLE', what, {
    cause,
    retry: 'never',
    ...(hint !== undefined && { hint }),
  });
}

/** git's own words, without the progress around them. */
function saidBy(cause: unknown): string {
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
  return redact(stderr === '' ? errorMessage(cause) : (stderr.split('\n').at(-1) ?? ''));
}
