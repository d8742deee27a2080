import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newLifetime } from '../../base/deadline.ts';
import { runCommand } from '../main.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-empty-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('what it prints leads from nothing to an installation, by its own words alone', async () => {
  const interrupt = new AbortController();
  const stdout = new PassThrough();
  const path = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const streams = { stdin: Readable.from([]), stdout, stderr: new PassThrough() };
  const context = { ...streams, env: path, cwd: folder, color: false, signal: interrupt.signal };
  const running = runCommand(['up', '--empty', '--data', join(folder, 'sandbox')], context);
  try {
    const [guide] = await Promise.race([
      new Promise<[string]>((resolve) => stdout.once('data', (chunk) => resolve([String(chunk)]))),
      running.then(() => ['']),
    ]);
    const [, environment = ''] = /^ {2}\. (\S+)$/m.exec(guide ?? '') ?? [];
    const lines = readFileSync(environment, 'utf8').matchAll(/^export (\w+)='(.*)'$/gm);
    const env = { ...path, ...Object.fromEntries([...lines].map(([, name, value]) => [name, value])) };
    const [, cloneUrl = ''] = /git clone (\S+)/.exec(guide ?? '') ?? [];
    await promisify(execFile)('git', ['clone', '-q', cloneUrl, join(folder, 'fleet')]);

    const run = async (line: string) => {
      const [out, err] = [new PassThrough(), new PassThrough()];
      const signal = newLifetime().signal;
      const shell = {
        stdin: Readable.from([]),
        stdout: out,
        stderr: err,
        env,
        cwd: join(folder, 'fleet'),
        color: false,
        signal,
      };
      const exitCode = await runCommand(line.split(' '), shell);
      return { exitCode, stdout: String(out.read() ?? ''), stderr: String(err.read() ?? '') };
    };
    const commands =
      (guide ?? '').match(/(?<=^ {2}millrace )(init|provision apply|push) .*$|(?<=^ {2}millrace )provision apply$/gm) ??
      [];
    expect(commands).toHaveLength(4);
    for (const command of commands) expect(await run(command)).toMatchObject({ exitCode: 0 });
    expect(await run('provision apply')).toMatchObject({ stdout: expect.stringContaining('nothing to do') });
    expect(await run('iam check --role sandbox-image-reflector --from .')).toMatchObject({ exitCode: 0 });
  } finally {
    interrupt.abort();
    await running;
  }
}, 60_000);
