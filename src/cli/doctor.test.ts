import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { CliContext } from './context.ts';
import { runCommand } from './main.ts';

async function run(argv: string[], stdin = ''): Promise<{ code: number; out: string; err: string }> {
  const output = { out: '', err: '' };
  const sink = (key: 'out' | 'err') => {
    const stream = new PassThrough();
    stream.on('data', (chunk) => {
      output[key] += String(chunk);
    });
    return stream;
  };
  const context: CliContext = {
    stdin: Readable.from([stdin]),
    stdout: sink('out'),
    stderr: sink('err'),
    env: {},
    cwd: process.cwd(),
    color: false,
    signal: new AbortController().signal,
  };
  const code = await runCommand(argv, context);
  await new Promise(setImmediate);
  return { code, ...output };
}

test('doctor --log prints the finding and exits 1', async () => {
  const { code, out } = await run([
    'doctor',
    '--log',
    'InvalidIdentityToken: No OpenIDConnect provider found in your account',
  ]);
  expect(code).toBe(1);
  expect(out).toContain('oidc-provider-missing');
});

test('doctor is content with a healthy line', async () => {
  expect(await run(['doctor', '--log', 'repository up-to-date'])).toMatchObject({ code: 0, out: 'nothing wrong\n' });
});

test('doctor -o json has findings even when there are none', async () => {
  const { out } = await run(['doctor', '--log', 'repository up-to-date', '-o', 'json']);
  expect(JSON.parse(out)).toEqual({ findings: [] });
});

test('doctor reads a log of JSON and text lines from standard input', async () => {
  const log = '{"level":"error","msg":"Reconciler error","error":"GET x: 429 Too Many Requests"}\nplain\n';
  const { out } = await run(['doctor', '--log', '-', '-o', 'json'], log);
  expect(JSON.parse(out).findings.map((finding: { code: string }) => finding.code)).toEqual(['rate-limited']);
});

test('a log that repeats itself is read once, and its statuses stay apart', async () => {
  const lines = Array.from(
    { length: 3 },
    (_, i) => `2026-11-23T10:00:0${i}Z GET https://quay.io/v2/: 20${i} OK in ${i}ms`,
  );
  const log = [...lines, 'GET https://quay.io/v2/: status code 429', 'git push: status code 401'].join('\n');
  const { out } = await run(['doctor', '--log', '-', '-o', 'json'], log);
  expect(JSON.parse(out).findings.map((finding: { code: string }) => finding.code)).toContain('rate-limited');
});

test.each([
  [['doctor', '--log', '']],
  [['doctor', '--log', 'x', '--context', 'no-such-file.json']],
  [['explain', 'no-such-code']],
  [['no-such-command']],
  [['doctor', '--no-such-option']],
])('%j is a usage error', async (argv) => {
  const { code, err } = await run(argv);
  expect(code).toBe(2);
  expect(err).toMatch(/^error: /);
});
