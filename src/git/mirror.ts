import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMillraceError, MillraceError } from '../base/error.ts';
import { gitError } from './git-error.ts';
import { runWithRemote } from './ls-remote.ts';
import { type Git, mustRun } from './program.ts';
import type { GitRemote } from './remote.ts';

/** A bare, shallow repository of ours that keeps what was fetched last, so that the next fetch brings only the difference. */
export interface Mirror {
  gitDir: string;
}

export interface FetchOptions {
  signal: AbortSignal;
  /** How many commits deep; 0 is the whole history. Default 1. */
  depth?: number;
  /** Received data may not be larger than this. */
  maxBytes?: number;
}

const sha256Format = '[extensions]\n\tobjectFormat = sha256\n';
const fetchedRef = 'refs/millrace/fetched';

/**
 * Opens the mirror in `gitDir`, or makes an empty one, for repositories of SHA-1 unless another hash is given. Left-overs
 * of a killed run are removed.
 */
export async function openMirror(gitDir: string, hash?: 'sha256'): Promise<Mirror> {
  for (const dir of ['objects/pack', 'objects/info', 'refs/millrace', 'info']) {
    await mkdir(join(gitDir, dir), { recursive: true, mode: 0o700 });
  }
  const config = join(gitDir, 'config');
  const isSha256 = hash === 'sha256' || (await readFile(config, 'utf8').catch(() => '')).includes(sha256Format);
  const version = isSha256 ? 1 : 0;
  const extensions = isSha256 ? sha256Format : '';
  await writeFile(config, `[core]\n\trepositoryformatversion = ${version}\n\tbare = true\n${extensions}`);
  await writeFile(join(gitDir, 'HEAD'), `ref: ${fetchedRef}\n`);
  await removeLeftovers(gitDir);
  return { gitDir };
}

/**
 * Fetches one ref by its full name, or one commit by its hash, and returns the hash of what it is: for an annotated tag
 * the tag object. Throws GIT_REF_NOT_FOUND where the remote has no such ref or will not give that commit, and the other
 * GIT_… errors. A failed fetch leaves the mirror as it was.
 */
export async function fetchInto(
  git: Git,
  mirror: Mirror,
  remote: GitRemote,
  source: string,
  { signal, depth = 1, maxBytes }: FetchOptions,
): Promise<string> {
  const args = ['fetch', '-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--force'];
  args.push('--update-shallow', ...(depth > 0 ? [`--depth=${depth}`] : await unshallow(mirror)));
  args.push('--', remote.url, `+${source}:${fetchedRef}`);
  const guard = guardSize(mirror.gitDir, signal, maxBytes);
  try {
    const result = await runWithRemote(git, remote, args, { gitDir: mirror.gitDir, signal: guard.signal });
    if (result.exitCode !== 0) throw gitError(`unable to clone '${remote.url}'`, result);
    return (await readFile(join(mirror.gitDir, fetchedRef), 'utf8')).trim();
  } catch (error) {
    await removeLeftovers(mirror.gitDir);
    throw error;
  } finally {
    guard.close();
  }
}

/**
 * Fetches one commit by its hash. Servers of old refuse hashes that no ref points at; then `fallbackRef` (or all
 * branches and tags) is fetched with its history, as far as it takes.
 */
export async function fetchCommit(
  git: Git,
  mirror: Mirror,
  remote: GitRemote,
  commit: string,
  options: FetchOptions & { fallbackRef?: string },
): Promise<string> {
  try {
    return await fetchInto(git, mirror, remote, commit, options);
  } catch (error) {
    if (!isMillraceError(error, 'GIT_REF_NOT_FOUND', 'GIT_SERVER_ERROR', 'GIT_PROTOCOL_ERROR')) throw error;
    const sources = options.fallbackRef === undefined ? ['refs/heads/*', 'refs/tags/*'] : [options.fallbackRef];
    await fetchHistory(git, mirror, remote, sources, options);
    const found = await git.run(['cat-file', '-e', `${commit}^{commit}`], {
      gitDir: mirror.gitDir,
      signal: options.signal,
    });
    if (found.exitCode !== 0) throw error;
    await mustRun(git, ['update-ref', fetchedRef, commit], { gitDir: mirror.gitDir, signal: options.signal });
    return commit;
  }
}

async function fetchHistory(
  git: Git,
  mirror: Mirror,
  remote: GitRemote,
  sources: readonly string[],
  { signal, maxBytes }: FetchOptions,
): Promise<void> {
  const refspecs = sources.map((source) => `+${source}:refs/millrace/history/${source.replace(/^refs\//, '')}`);
  const guard = guardSize(mirror.gitDir, signal, maxBytes);
  try {
    const args = ['fetch', '-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--force'];
    args.push('--update-shallow', ...(await unshallow(mirror)), '--', remote.url, ...refspecs);
    const result = await runWithRemote(git, remote, args, { gitDir: mirror.gitDir, signal: guard.signal });
    if (result.exitCode !== 0) throw gitError(`unable to clone '${remote.url}'`, result);
  } finally {
    guard.close();
    await removeLeftovers(mirror.gitDir);
  }
}

/** Asking for the whole history of a repository that has it already is an error to git. */
async function unshallow({ gitDir }: Mirror): Promise<string[]> {
  return (await exists(join(gitDir, 'shallow'))) ? ['--unshallow'] : [];
}

const maxPacks = 24;

/**
 * Rewrites the packs into one, without what the last fetched ref no longer reaches, once many have gathered or they take
 * more than `maxBytes` together.
 */
export async function tidyMirror(
  git: Git,
  { gitDir }: Mirror,
  { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
): Promise<boolean> {
  const dir = join(gitDir, 'objects/pack');
  const packs = (await readdir(dir)).filter((name) => name.endsWith('.pack'));
  if (packs.length < maxPacks && (packs.length < 2 || (await sizeOf(dir, packs)) <= maxBytes)) return false;
  await rm(join(gitDir, 'refs/millrace/history'), { recursive: true, force: true });
  await mustRun(git, ['repack', '-a', '-d', '-q'], { gitDir, signal });
  await mustRun(git, ['prune', '--expire=now'], { gitDir, signal });
  return true;
}

/** A killed git leaves locks that would stop the next one, and half a pack. Only one run at a time uses a mirror. */
async function removeLeftovers(gitDir: string): Promise<void> {
  const places = ['.', 'refs/millrace', 'objects/pack'];
  for (const place of places) {
    for (const name of await readdir(join(gitDir, place)).catch(() => [])) {
      if (name.endsWith('.lock') || name.startsWith('tmp_') || name.startsWith('.tmp-')) {
        await rm(join(gitDir, place, name), { force: true });
      }
    }
  }
}

interface SizeGuard {
  signal: AbortSignal;
  close(): void;
}

const sizeCheckMs = 250;

/** Git has no limit of its own on what it receives: the pack under way is watched and the transfer ended past the limit. */
function guardSize(gitDir: string, parent: AbortSignal, maxBytes: number | undefined): SizeGuard {
  if (maxBytes === undefined) return { signal: parent, close() {} };
  const controller = new AbortController();
  const onAbort = () => controller.abort(parent.reason);
  parent.addEventListener('abort', onAbort, { once: true });
  if (parent.aborted) onAbort();
  const timer = setInterval(async () => {
    if ((await incomingBytes(gitDir)) <= maxBytes) return;
    controller.abort(
      new MillraceError('GIT_SIZE_LIMIT', `the repository sends more than ${maxBytes} bytes`, {
        hint: 'Raise the limit, or make the repository smaller.',
      }),
    );
  }, sizeCheckMs);
  return {
    signal: controller.signal,
    close() {
      clearInterval(timer);
      parent.removeEventListener('abort', onAbort);
    },
  };
}

async function incomingBytes(gitDir: string): Promise<number> {
  const dir = join(gitDir, 'objects/pack');
  const names = await readdir(dir).catch(() => []);
  return sizeOf(
    dir,
    names.filter((name) => name.startsWith('tmp_')),
  );
}

async function sizeOf(dir: string, names: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(dir, name)).catch(() => undefined))?.size ?? 0;
  return bytes;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
