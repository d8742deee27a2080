import { isMillraceError, MillraceError } from '../base/error.ts';
import { gitError } from './git-error.ts';
import type { ProcessResult } from './process.ts';
import type { Git, GitRunOptions } from './program.ts';
import { type GitRemote, originOf } from './remote.ts';
import { withRemoteAccess } from './remote-access.ts';

export interface RemoteRef {
  /** Full name, `refs/heads/main`. */
  name: string;
  /** What the ref holds: for an annotated tag, the tag object. */
  oid: string;
  /** The commit behind it: for an annotated tag the peeled one, else `oid`. */
  commit: string;
}

const maxListingBytes = 64 * 1024 * 1024;

/**
 * Refs of a remote by full name, in the server's order; `patterns` (full names, or globs such as `refs/tags/*`) limit them.
 * One git process, no repository. `what` introduces the message of an error. Throws the GIT_… errors of git-error.ts.
 */
export async function listRemoteRefs(
  git: Git,
  remote: GitRemote,
  patterns: readonly string[],
  signal: AbortSignal,
  what = 'unable to list remote for',
): Promise<Map<string, RemoteRef>> {
  const asked = patterns.flatMap((pattern) => (pattern.includes('*') ? [pattern] : [pattern, `${pattern}^{}`]));
  const result = await runWithRemote(git, remote, ['ls-remote', '-q', '--', remote.url, ...asked], {
    signal,
    maxOutputBytes: maxListingBytes,
  });
  if (result.exitCode !== 0) throw gitError(`${what} '${remote.url}'`, result);
  return parseListing(result.stdout.toString('utf8'));
}

/**
 * Full names of all refs of a remote; none where it is empty. An HTTP server that answers 200 to everything looks to git like an empty repository of the
 * old, dumb protocol; that is told apart here: GIT_PROTOCOL_ERROR.
 */
export async function listRefNames(git: Git, remote: GitRemote, signal: AbortSignal): Promise<string[]> {
  const result = await runWithRemote(git, remote, ['ls-remote', '-q', '--', remote.url], {
    signal,
    maxOutputBytes: maxListingBytes,
    // The packets of the protocol, to standard error; no header is among them.
    env: { GIT_TRACE_PACKET: '2' },
  });
  if (result.exitCode !== 0) throw gitError(`unable to list remote for '${remote.url}'`, withoutTrace(result));
  const names = [...parseListing(result.stdout.toString('utf8')).keys()];
  if (names.length > 0 || !remote.url.startsWith('http') || tracedPacket.test(result.stderr)) return names;
  throw new MillraceError('GIT_PROTOCOL_ERROR', `the server at '${remote.url}' does not speak the smart git protocol`, {
    hint: 'Check the URL: a login page or a portal may be answering.',
  });
}

const tracedPacket = /^.* packet: +[\w-]+[<>] /m;

function withoutTrace({ stderr, exitCode }: ProcessResult): Pick<ProcessResult, 'stderr' | 'exitCode'> {
  const lines = stderr.split('\n').filter((line) => !tracedPacket.test(line));
  return { exitCode, stderr: lines.join('\n') };
}

/** Runs a git command against a remote; an origin that turns out to redirect is asked once more, by askpass. */
export async function runWithRemote(
  git: Git,
  remote: GitRemote,
  args: readonly string[],
  options: GitRunOptions,
): Promise<ProcessResult> {
  const run = () =>
    withRemoteAccess(git, remote, (access) =>
      git.run(args, {
        ...options,
        env: { ...options.env, ...access.env },
        config: [...(options.config ?? []), ...access.config],
      }),
    );
  const result = await run();
  if (result.exitCode === 0 || remote.auth.kind !== 'basic') return result;
  const origin = originOf(remote.url);
  if (git.redirecting.has(origin) || !isMillraceError(gitError('', result), 'GIT_REDIRECTED')) return result;
  git.redirecting.add(origin);
  return run();
}

function parseListing(text: string): Map<string, RemoteRef> {
  const refs = new Map<string, RemoteRef>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const oid = line.slice(0, tab);
    const name = line.slice(tab + 1);
    const tag = name.endsWith('^{}') ? refs.get(name.slice(0, -3)) : undefined;
    if (tag !== undefined) tag.commit = oid;
    else if (!name.endsWith('^{}')) refs.set(name, { name, oid, commit: oid });
  }
  return refs;
}
