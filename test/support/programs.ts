import { execFile, spawnSync } from 'node:child_process';

/** Whether a program is installed; a test of that client skips where it is not. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0;
}

export interface ProgramResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, with nothing of this process's environment but PATH. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], ...options.env };
    const child = execFile(program, args, { env, cwd: options.cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
    child.stdin?.end(options.input);
  });
}
