import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from './sandbox.ts';
import { readSandboxAccess } from './sandbox-access.ts';

let dataDir: string;
let sandbox: Sandbox | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-sandbox-'));
});
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
  rmSync(dataDir, { recursive: true, force: true });
});

test('a second start has the same addresses and credentials', async () => {
  sandbox = await startSandbox({ dataDir });
  await sandbox.git.createRepository('fleet');
  const before = sandbox.access;
  await sandbox.close();
  sandbox = await startSandbox({ dataDir });
  expect(sandbox.access).toEqual(before);
  expect(sandbox.git.repositoryPath('fleet')).toBeDefined();
});

test('what is written for other commands is for its owner alone', async () => {
  sandbox = await startSandbox({ dataDir });
  expect(await readSandboxAccess(dataDir)).toEqual(sandbox.access);
  expect(statSync(join(dataDir, 'sandbox.json')).mode & 0o077).toBe(0);
  const open = execFileSync('find', [dataDir, '-type', 'f', '-name', '*.json*', '-perm', '/077'], { encoding: 'utf8' });
  expect(open).toBe('');
  expect(readFileSync(join(dataDir, 'sandbox.jsonl'), 'utf8')).toContain('secret/git-write');
});

test('a port that is in use is named, and what had started is stopped', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const port = (other.address() as { port: number }).port;
  await expect(startSandbox({ dataDir, ports: { git: port } })).rejects.toMatchObject({
    code: 'SANDBOX_PORT_IN_USE',
    message: `Port ${port} of 127.0.0.1, wanted for the git server, is in use`,
  });
  other.close();
  sandbox = await startSandbox({ dataDir });
});

test('a folder without a sandbox is said to be none', async () => {
  await expect(readSandboxAccess(dataDir)).rejects.toMatchObject({ code: 'SANDBOX_NOT_FOUND' });
});
