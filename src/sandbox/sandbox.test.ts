import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestIssuer } from '../../test/support/oidc-issuer.ts';
import type { PullImage } from './registry/pull-image.ts';
import { type Sandbox, type StartKubernetes, startSandbox } from './sandbox.ts';
import { readSandboxAccess } from './sandbox-access.ts';

let dataDir: string;
let pullImage: PullImage;
let sandbox: Sandbox | undefined;

/** Stands in for the Kubernetes API: an issuer, and what a kubelet would ask. */
const startKubernetes: StartKubernetes = async (options) => {
  pullImage = options.pullImage;
  const issuer = await startTestIssuer();
  const { url, caPem, close } = issuer;
  return { url, caPem, issuer: url, adminToken: 't', kubeconfig: () => '', close };
};

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-sandbox-'));
});
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
  rmSync(dataDir, { recursive: true, force: true });
});

test('a second start has the same addresses and credentials', async () => {
  sandbox = await startSandbox({ dataDir, startKubernetes });
  await sandbox.git.createRepository('fleet');
  const { aws, registry, git } = sandbox.access;
  await sandbox.close();
  sandbox = await startSandbox({ dataDir, startKubernetes });
  expect(sandbox.access).toMatchObject({ aws, registry, git });
  expect(sandbox.git.repositoryPath('fleet')).toBeDefined();
});

test('what is written for other commands is for its owner alone', async () => {
  sandbox = await startSandbox({ dataDir, startKubernetes });
  expect(await readSandboxAccess(dataDir)).toEqual(sandbox.access);
  expect(statSync(join(dataDir, 'sandbox.json')).mode & 0o077).toBe(0);
  const open = execFileSync('find', [dataDir, '-type', 'f', '-name', '*.json*', '-perm', '/077'], { encoding: 'utf8' });
  expect(open).toBe('');
  expect(readFileSync(join(dataDir, 'sandbox.jsonl'), 'utf8')).toContain('secret/git-write');
});

test('the kubelet pulls from the registry as the node role', async () => {
  sandbox = await startSandbox({ dataDir, startKubernetes });
  const image = `${sandbox.access.registry.host}/apps/a:1`;
  await expect(pullImage(image, new AbortController().signal)).rejects.toMatchObject({ reason: 'ErrImagePull' });
});

test('a port that is in use is named, and what had started is stopped', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const port = (other.address() as { port: number }).port;
  await expect(startSandbox({ dataDir, startKubernetes, ports: { git: port } })).rejects.toMatchObject({
    code: 'SANDBOX_PORT_IN_USE',
    message: `Port ${port} of 127.0.0.1, wanted for the git server, is in use`,
  });
  other.close();
  sandbox = await startSandbox({ dataDir, startKubernetes });
});

test('a folder without a sandbox is said to be none', async () => {
  await expect(readSandboxAccess(dataDir)).rejects.toMatchObject({ code: 'SANDBOX_NOT_FOUND' });
});
