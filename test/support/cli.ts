import { PassThrough } from 'node:stream';
import { runCommand } from '../../src/cli/main.ts';

/** Runs one command line in this process, as a shell would see it. */
export async function runCli(
  argv: string[],
  env: Record<string, string> = {},
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = { stdout: '', stderr: '' };
  stdout.on('data', (part: Buffer) => {
    texts.stdout += part.toString();
  });
  stderr.on('data', (part: Buffer) => {
    texts.stderr += part.toString();
  });
  const signal = new AbortController().signal;
  const stdin = new PassThrough();
  const exitCode = await runCommand(argv, { stdin, stdout, stderr, env, cwd: '/', color: false, signal });
  return { exitCode, ...texts };
}
