import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { MillraceError } from '../../base/error.ts';
import { textAt } from '../../base/json.ts';

export interface ControllersOptions {
  /** How to start this program again: the Node binary and the entry point. */
  program: readonly [execPath: string, entry: string];
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  logFile: string;
}

/** `millrace run` as a process of its own, as a pod would run it. */
export interface ControllersProcess {
  /** Rejects with CONTROLLERS_ENDED when the process ends without having been asked to. */
  failed: Promise<never>;
  /** Where `/metrics` is served, once it is; undefined for processes that do not say. */
  metricsUrl?: Promise<string>;
  /** Asks it to hand over and end; kills it when it has not ended after ten seconds. */
  close(): Promise<void>;
}

/** How a process ended. */
export interface Ending {
  /** 128 and the number of the signal where one ended it, as container runtimes count. */
  exitCode: number;
  signal: number | undefined;
}

export interface StartedControllers extends ControllersProcess {
  /** Settles when the process has ended, asked to or not. Rejects where it could not be started. */
  ended: Promise<Ending>;
}

export function startControllers({ program, args, env, logFile }: ControllersOptions): StartedControllers {
  const [execPath, entry] = program;
  // Its standard input ends with this process, however this one ends: controllers never outlive their sandbox.
  const child = spawn(execPath, [entry, 'run', '--exit-with-stdin', ...args], {
    env: { ...env },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  child.stderr.pipe(log);
  const metricsUrl = firstMetricsUrl(child.stderr);
  let isClosing = false;
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', (cause) => reject(couldNotRun(cause, logFile)));
    child.once('close', (code, signal) => resolve(endingOf(code, signal)));
  });
  ended.catch(() => {});
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(couldNotRun(cause, logFile)));
    child.once('close', (code, signal) => {
      if (!isClosing) reject(couldNotRun(`it ended with ${signal ?? `exit code ${code}`}`, logFile));
    });
  });
  // Whoever waits for something races it against `failed`; nobody waiting is no crash.
  failed.catch(() => {});
  return {
    failed,
    ended,
    metricsUrl,
    close: async () => {
      isClosing = true;
      await stop(child, ended);
    },
  };
}

/** From the line with which the controllers say that they are ready. Settles only when it comes. */
function firstMetricsUrl(stderr: Readable): Promise<string> {
  return new Promise((resolve) => {
    let unread = '';
    const read = (chunk: unknown) => {
      const lines = `${unread}${chunk}`.split('\n');
      unread = lines.pop() ?? '';
      const ready = lines.find((line) => line.includes('"msg":"ready"'));
      if (ready === undefined) return;
      stderr.off('data', read);
      const address = textAt(JSON.parse(ready), 'metrics');
      if (address !== undefined) resolve(`http://${address}/metrics`);
    };
    stderr.on('data', read);
  });
}

function endingOf(code: number | null, name: NodeJS.Signals | null): Ending {
  const signal = name === null ? undefined : constants.signals[name];
  return { exitCode: code ?? 128 + (signal ?? 0), signal };
}

async function stop(child: ChildProcess, ended: Promise<Ending>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

function couldNotRun(cause: unknown, logFile: string): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('CONTROLLERS_ENDED', `the controllers do not run: ${reason}`, {
    cause,
    hint: `The end of ${logFile} says why.`,
    retry: 'never',
  });
}
