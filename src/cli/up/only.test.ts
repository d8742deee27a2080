import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runProgram } from '../../../test/support/programs.ts';
import type { PartName } from '../../sandbox/sandbox.ts';
import { runOnly } from './only.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-only-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** Starts a part, hands over what it printed, and interrupts it when `work` is done. */
async function withPart(part: PartName, token: string | undefined, work: (printed: string) => Promise<void>) {
  const interrupt = new AbortController();
  const stdout = new PassThrough();
  const env = { PATH: process.env['PATH'] };
  const streams = { stdin: new PassThrough(), stdout, stderr: new PassThrough() };
  const context = { ...streams, env, cwd: dataDir, color: false, signal: interrupt.signal };
  const running = runOnly(part, { dataDir, token }, context);
  const [printed] = await Promise.race([
    new Promise<[string]>((resolve) => stdout.once('data', (chunk) => resolve([String(chunk)]))),
    running.then(() => ['']),
  ]);
  try {
    await work(printed ?? '');
  } finally {
    interrupt.abort();
    await running;
  }
}

const urlIn = (text: string) => /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? '';

test('git: a push to a new name makes the repository, with the password only', async () => {
  await withPart('git', 'secret', async (printed) => {
    const url = urlIn(printed).replace('//', '//git:secret@');
    const git = (...args: string[]) => runProgram('git', args, { cwd: dataDir, env: { GIT_TERMINAL_PROMPT: '0' } });
    await git('init', '-q', 'work');
    await git(
      '-C',
      'work',
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@t',
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'first',
    );
    expect(await git('-C', 'work', 'push', `${url}/team/new.git`, 'HEAD:main')).toMatchObject({ code: 0 });
    expect((await git('ls-remote', `${url}/team/new.git`)).stdout).toContain('refs/heads/main');
    expect((await git('ls-remote', `${urlIn(printed).replace('//', '//git:no@')}/team/new.git`)).code).not.toBe(0);
  });
});

test.each([
  ['secret', 'AWS:secret', 200],
  ['secret', 'AWS:no', 401],
  [undefined, undefined, 200],
])('registry: token %s, login %s: %d', async (token, login, status) => {
  await withPart('registry', token, async (printed) => {
    const headers = new Headers();
    if (login !== undefined) headers.set('authorization', `Basic ${Buffer.from(login).toString('base64')}`);
    expect((await fetch(`${urlIn(printed)}/v2/`, { headers })).status).toBe(status);
  });
});

test('aws: a key pair of the user’s choice is the administrator’s, and is asked for in its form', async () => {
  await withPart('aws', 'AKIAEXAMPLEEXAMPLE00:a-secret', async (printed) => {
    expect(printed).toContain('AWS_ACCESS_KEY_ID=AKIAEXAMPLEEXAMPLE00 AWS_SECRET_ACCESS_KEY=a-secret');
    expect(printed).toContain('000000000000.dkr.ecr.eu-west-1.amazonaws.com');
  });
  await expect(withPart('aws', 'nonsense', async () => {})).rejects.toMatchObject({ code: 'BAD_INPUT' });
});
