import { tmpdir } from 'node:os';
import { formatCommand } from './git-error.ts';
import { type ProcessResult, type RunningProcess, runProcess, startProcess } from './process.ts';

export interface GitOptions {
  /** Where git and ssh are looked for, in the form of PATH. */
  searchPath?: string;
  /** Folder for short-lived private files (keys, certificates); default the system's. */
  tempDir?: string;
  /** The process's proxy variables (`HTTPS_PROXY`, `NO_PROXY` …), used where a remote names no proxy of its own. */
  proxyEnvironment?: Record<string, string | undefined>;
  /** Protocols that may be spoken at all. Default http, https and ssh; tests add `file`. */
  protocols?: readonly string[];
  /** `KexAlgorithms` and `HostKeyAlgorithms` for SSH; OpenSSH's own where left out. */
  sshKexAlgorithms?: readonly string[];
  sshHostKeyAlgorithms?: readonly string[];
}

export interface GitRunOptions {
  signal: AbortSignal;
  /** Repository to work in (`GIT_DIR`). */
  gitDir?: string;
  workTree?: string;
  cwd?: string;
  /** Configuration for this run alone, over the hardened one. */
  config?: readonly ConfigEntry[];
  env?: Record<string, string>;
  input?: string | Uint8Array;
  maxOutputBytes?: number;
}

export type ConfigEntry = readonly [key: string, value: string];

/** The git binary with nothing of the user's or the machine's configuration. */
export interface Git {
  readonly options: Readonly<Required<Omit<GitOptions, 'proxyEnvironment'>>>;
  /** Origins that answered with a redirect: their credentials go through askpass (remote-access.ts). */
  readonly redirecting: Set<string>;
  /** Runs git to its end; the caller judges the exit code. */
  run(args: readonly string[], options: GitRunOptions): Promise<ProcessResult>;
  /** Starts git and leaves its streams to the caller. */
  start(args: readonly string[], options: GitRunOptions): RunningProcess;
}

const defaultSearchPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin';
const proxyVariables = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'] as const;

/**
 * Hardened settings. They travel in the environment (`GIT_CONFIG_COUNT`, git ≥ 2.31), where they outrank every file.
 * Git's own defaults that could run a program, follow a repository's wishes or start work in the background are off.
 */
const hardened: readonly ConfigEntry[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.untrackedCache', 'false'],
  ['core.autocrlf', 'false'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['credential.helper', ''],
  ['commit.gpgSign', 'false'],
  ['push.gpgSign', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['fetch.unpackLimit', '1'],
  ['fetch.writeCommitGraph', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['submodule.recurse', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['transfer.bundleURI', 'false'],
  ['protocol.version', '2'],
  ['init.defaultBranch', 'main'],
  ['advice.detachedHead', 'false'],
];

export function createGit(options: GitOptions = {}): Git {
  const settled = {
    searchPath: options.searchPath ?? defaultSearchPath,
    tempDir: options.tempDir ?? tmpdir(),
    protocols: options.protocols ?? ['http', 'https', 'ssh'],
    sshKexAlgorithms: options.sshKexAlgorithms ?? [],
    sshHostKeyAlgorithms: options.sshHostKeyAlgorithms ?? [],
  };
  const base = baseEnvironment(settled.searchPath, settled.protocols, options.proxyEnvironment ?? {});
  const environment = (run: GitRunOptions) => ({
    ...base,
    ...configEnvironment([...hardened, ...(run.config ?? [])]),
    ...(run.gitDir === undefined ? {} : { GIT_DIR: run.gitDir }),
    ...(run.workTree === undefined ? {} : { GIT_WORK_TREE: run.workTree }),
    ...run.env,
  });
  const place = (run: GitRunOptions) => run.cwd ?? run.workTree ?? run.gitDir ?? settled.tempDir;
  return {
    options: settled,
    redirecting: new Set(),
    run: (args, run) =>
      runProcess('git', args, {
        cwd: place(run),
        env: environment(run),
        signal: run.signal,
        ...(run.input === undefined ? {} : { input: run.input }),
        ...(run.maxOutputBytes === undefined ? {} : { maxOutputBytes: run.maxOutputBytes }),
      }),
    start: (args, run) => startProcess('git', args, { cwd: place(run), env: environment(run), signal: run.signal }),
  };
}

/** Runs a local git command that must succeed and returns its output. A failure is a broken invariant of ours. */
export async function mustRun(git: Git, args: readonly string[], options: GitRunOptions): Promise<Buffer> {
  const result = await git.run(args, options);
  if (result.exitCode !== 0) {
    throw new Error(`${formatCommand(args)} failed (${result.exitCode}): ${result.stderr.trim()}`);
  }
  return result.stdout;
}

function baseEnvironment(
  searchPath: string,
  protocols: readonly string[],
  proxies: Record<string, string | undefined>,
): Record<string, string> {
  const env: Record<string, string> = {
    PATH: searchPath,
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
  };
  for (const name of proxyVariables) {
    const value = proxies[name] ?? proxies[name.toUpperCase()];
    if (value !== undefined && value !== '') env[name] = value;
  }
  return env;
}

function configEnvironment(entries: readonly ConfigEntry[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(entries.length) };
  entries.forEach(([key, value], i) => {
    env[`GIT_CONFIG_KEY_${i}`] = key;
    env[`GIT_CONFIG_VALUE_${i}`] = value;
  });
  return env;
}
