import { generateKeyPairSync, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import { startGitHttpServer } from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir } from '../../../test/support/git-repository.ts';
import { createGitHarness } from '../../../test/support/source-harness.ts';
import { parseRemoteUrl } from '../../git/remote.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { codeCommitAuth, codeCommitRegion } from './code-commit.ts';
import type { GitProviders } from './git-provider.ts';
import { createGithubApps } from './github-app.ts';

const temp = makeTempDir();
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const asked: string[] = [];
const api = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  const [head = '', body = '', signature = ''] = (request.headers.authorization ?? '')
    .replace('Bearer ', '')
    .split('.');
  const isOurs = verify('sha256', Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url'));
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { iss: string; exp: number };
  if (!isOurs || claims.iss !== '42' || claims.exp * 1000 < Date.now()) return void response.writeHead(401).end('{}');
  if (request.url?.startsWith('/orgs/')) return void response.writeHead(404).end('{}');
  if (request.url === '/users/joe/installation') return void response.end('{"id": 7}');
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  response.writeHead(201).end(JSON.stringify({ token: 'ghs_token', expires_at }));
});
const http = createHttpClient();
const githubApps = createGithubApps({ http });
const providers: GitProviders = { githubApp: (secret, _url, signal) => githubApps(secret, signal) };

beforeAll(async () => {
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  api.close();
  await http.close({ force: true });
  temp.remove();
});
const appSecret = (more: Record<string, string>) => ({
  githubAppID: '42',
  githubAppPrivateKey: pem,
  githubAppBaseURL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
  ...more,
});

test('a GitHub App: owner, installation, token, kept for the next run', async () => {
  createRepository(temp.dir).commit({ a: '1' });
  const server = await startGitHttpServer({ root: temp.dir, credential: 'x-access-token:ghs_token' });
  const h = await createGitHarness(`${temp.dir}/h`, { providers });
  await h.cluster.put(secretOf('app', appSecret({ githubAppInstallationOwner: 'joe' })));
  await h.put({ url: `${server.url}/fleet.git`, provider: 'github', secretRef: { name: 'app' } });
  await h.reconcile();
  expect(h.condition('Ready')).toMatchObject({ status: 'True' });
  await h.reconcile();
  expect(asked).toEqual([
    'GET /orgs/joe/installation',
    'GET /users/joe/installation',
    'POST /app/installations/7/access_tokens',
  ]);
  await server.close();
});

test.each([
  [
    { provider: 'github' },
    undefined,
    'InvalidProviderConfiguration',
    /^secretRef with github app data must be specified/,
  ],
  [
    { secretRef: { name: 'app' } },
    appSecretKeys(),
    'InvalidProviderConfiguration',
    /^secretRef 'team-\d+\/app' has github app data but provider is not set to github$/,
  ],
  [{ provider: 'azure' }, undefined, 'InvalidProviderConfiguration', /provider 'azure' is not supported/],
  [
    { provider: 'aws', serviceAccountName: 'x' },
    undefined,
    'FeatureGateDisabled',
    /^to use spec.serviceAccountName for/,
  ],
])('%j stalls', async (spec, secret, reason, message) => {
  const h = await createGitHarness(`${temp.dir}/stall-${Math.random()}`, { providers });
  if (secret !== undefined) await h.cluster.put(secretOf('app', secret));
  await h.put({ url: 'https://git.example/x', ...spec });
  expect(await h.reconcile()).toEqual({});
  expect(h.condition('Stalled')).toMatchObject({ reason, message: expect.stringMatching(message) });
});

function appSecretKeys(): Record<string, string> {
  return { githubAppID: '42' };
}

test.each([
  [{ githubAppInstallationOwner: 'joe', githubAppInstallationID: '7' }, /exactly one of/],
  [{}, /exactly one of/],
  [{ githubAppInstallationID: '7', githubAppPrivateKey: 'x' }, /is not a private key/],
])('a Secret with %j is refused', async (more, message) => {
  const secret = new Map(Object.entries(appSecret(more as Record<string, string>)));
  await expect(githubApps(secret, new AbortController().signal)).rejects.toThrow(message);
});

test('CodeCommit credentials are a SigV4 signature', () => {
  const url = parseRemoteUrl('https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/fleet');
  const clock = { now: () => Date.parse('2026-01-02T03:04:05.678Z') };
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'a/b+c=' };
  const auth = codeCommitAuth(url, credentials, clock);
  expect(auth).toMatchObject({ kind: 'basic', username: 'AKIDEXAMPLE%a/b+c=' });
  // Computed with botocore's SigV4Auth over the same canonical request.
  expect(auth).toHaveProperty(
    'password',
    '20260102T030405Z8485deb931d32c05dded90d74252fd4e344d26f4dbbce6aa66ed69d6292e3c13',
  );
  expect(codeCommitRegion(url)).toBe('eu-west-1');
  expect(() => codeCommitRegion(parseRemoteUrl('https://github.com/x/y'))).toThrow(
    /is not an HTTPS address of AWS CodeCommit/,
  );
});
