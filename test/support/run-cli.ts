import { PassThrough, Readable } from 'node:stream';
import { newLifetime } from '../../src/base/deadline.ts';
import { runCommand } from '../../src/cli/main.ts';

export interface CliRun {
  code: number;
  out: string;
  err: string;
}

/** Runs a command line in this process and captures what it prints. */
export async function runCli(argv: string[], env: Record<string, string> = {}, stdin = ''): Promise<CliRun> {
  const output = { out: '', err: '' };
  const sink = (key: 'out' | 'err') => {
    const stream = new PassThrough();
    stream.on('data', (chunk) => {
      output[key] += String(chunk);
    });
    return stream;
  };
  const code = await runCommand(argv, {
    stdin: Readable.from(stdin === '' ? [] : [stdin]),
    stdout: sink('out'),
    stderr: sink('err'),
    env,
    cwd: process.cwd(),
    color: false,
    signal: newLifetime().signal,
  });
  await new Promise(setImmediate);
  return { code, ...output };
}
