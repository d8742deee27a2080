import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { MillraceError } from '../base/error.ts';

export interface ProcessOptions {
  cwd: string;
  /** The whole environment; nothing is inherited. */
  env: Record<string, string>;
  /** Ends the process and everything it started. */
  signal: AbortSignal;
}

export interface RunOptions extends ProcessOptions {
  input?: string | Uint8Array;
  /** More output than this ends the process with GIT_OUTPUT_LIMIT. Default 64 MiB. */
  maxOutputBytes?: number;
}

export interface ProcessResult {
  exitCode: number;
  stdout: Buffer;
  /** The last 64 KiB of standard error. */
  stderr: string;
}

export interface RunningProcess {
  stdin: NodeJS.WritableStream;
  stdout: NodeJS.ReadableStream;
  /** Settles when the process is gone and its pipes are closed; rejects with the abort reason after an abort. */
  ended: Promise<{ exitCode: number; stderr: string }>;
  kill(): void;
}

const stderrLimit = 64 * 1024;
const termGraceMs = 2000;

/**
 * Starts a program without a shell as the leader of its own process group. An abort ends the whole group: SIGTERM, so
 * that git removes its lock and temporary files, and SIGKILL two seconds later.
 */
export function startProcess(file: string, args: readonly string[], options: ProcessOptions): RunningProcess {
  const { signal } = options;
  signal.throwIfAborted();
  const child = spawn(file, args, { cwd: options.cwd, env: options.env, detached: true, shell: false, stdio: 'pipe' });
  // A process that ended early closes its standard input under us; its exit code tells what happened.
  child.stdin.on('error', () => {});
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrLimit);
  });
  let killTimer: NodeJS.Timeout | undefined;
  const kill = () => {
    killGroup(child, 'SIGTERM');
    killTimer ??= setTimeout(() => killGroup(child, 'SIGKILL'), termGraceMs);
  };
  const ended = new Promise<{ exitCode: number; stderr: string }>((resolve, reject) => {
    signal.addEventListener('abort', kill, { once: true });
    const settle = () => {
      clearTimeout(killTimer);
      signal.removeEventListener('abort', kill);
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      settle();
      // Node says the same of a missing folder to work in, which is a mistake of ours.
      reject(cause.code === 'ENOENT' && existsSync(options.cwd) ? missingProgram(file, cause) : cause);
    });
    child.once('close', (code) => {
      settle();
      if (signal.aborted) reject(signal.reason);
      else resolve({ exitCode: code ?? -1, stderr });
    });
  });
  // Whoever only reads the output need not wait for the end; the rejection then reaches them through the stream's end.
  ended.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, ended, kill };
}

/** Runs a program to its end and returns what it printed, whatever its exit code. */
export async function runProcess(file: string, args: readonly string[], options: RunOptions): Promise<ProcessResult> {
  const limit = options.maxOutputBytes ?? 64 * 1024 * 1024;
  const child = startProcess(file, args, options);
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else child.kill();
  });
  child.stdin.end(options.input ?? '');
  const { exitCode, stderr } = await child.ended;
  if (size > limit) {
    throw new MillraceError('GIT_OUTPUT_LIMIT', `git ${args[0] ?? ''} printed more than ${limit} bytes`);
  }
  return { exitCode, stdout: Buffer.concat(chunks), stderr };
}

function killGroup(child: ChildProcessWithoutNullStreams, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group is gone already.
  }
}

function missingProgram(file: string, cause: Error): MillraceError {
  return new MillraceError('GIT_NOT_INSTALLED', `The program '${file}' was not found`, {
    cause,
    hint: 'Install git (2.34 or newer), for SSH remotes also an OpenSSH client, and put them on the PATH.',
    retry: 'never',
  });
}
