/** What a command may touch of the outside world; only `main.ts` fills it from the process. */
export interface CliContext {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** How to start this program again: the Node binary and the entry point. */
  program?: readonly [execPath: string, entry: string];
  /** Whether colour may be used: standard output is a terminal and NO_COLOR is not set. */
  color: boolean;
  /** Aborts on the first Ctrl-C or SIGTERM; the command then cleans up and returns. */
  signal: AbortSignal;
}

/** What a command found out. The shell prints `text`, or `data` where the user asked for JSON or YAML. */
export interface CommandResult {
  text?: string;
  data?: unknown;
  exitCode?: number;
}
