import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority, type KeyedCertificate, type TestAuthority } from '../../../test/support/certificates.ts';
import { secretOf } from '../../../test/support/embedded-cluster.ts';
import {
  type GitHttpServer,
  type GitHttpServerOptions,
  startGitHttpServer,
} from '../../../test/support/git-http-server.ts';
import { createRepository, makeTempDir } from '../../../test/support/git-repository.ts';
import { startHttpProxy, startSocksProxy } from '../../../test/support/proxies.ts';
import { createGitHarness, type SourceHarness } from '../../../test/support/source-harness.ts';
import { hasSshServer, type SshServer, startSshServer } from '../../../test/support/ssh-server.ts';
import { codeCommitAuth } from './code-commit.ts';

const temp = makeTempDir();
const servers: GitHttpServer[] = [];
let authority: TestAuthority;
let client: KeyedCertificate;
let h: SourceHarness;
let head: string;
let number = 0;

beforeAll(async () => {
  head = createRepository(temp.dir).commit({ 'a.yaml': 'a' });
  authority = await createAuthority();
  client = await authority.issue();
});
afterAll(() => temp.remove());
beforeEach(async () => {
  h = await createGitHarness(join(temp.dir, `h${++number}`));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  const left = readdirSync(join(temp.dir, `h${number}`)).filter((name) => name.startsWith('millrace-'));
  expect(left, 'private files').toEqual([]);
});

const serve = async (options: Omit<GitHttpServerOptions, 'root'>) => {
  const server = await startGitHttpServer({ root: temp.dir, ...options });
  servers.push(server);
  return `${server.url}/fleet.git`;
};
const secret = (data: Record<string, string>) => h.cluster.put(secretOf('auth', data));
const tell = () => h.condition('Ready') ?? { status: '', reason: '', message: '' };
const fetched = async (url: string, data: Record<string, string>, spec: Record<string, unknown> = {}) => {
  await secret(data);
  await h.put({ url, secretRef: { name: 'auth' }, timeout: '30s', ...spec });
  await h.reconcile();
  return tell();
};
const good = () => ({ status: 'True', message: `stored artifact for revision 'main@sha1:${head}'` });

test.each([
  ['Bitbucket repository access token', { username: 'x-token-auth', password: 't' }, 'x-token-auth:t'],
  ['Bitbucket API token', { username: 'x-bitbucket-api-token-auth', password: 't' }, 'x-bitbucket-api-token-auth:t'],
  ['GitLab token', { username: 'oauth2', password: 'glpat-x' }, 'oauth2:glpat-x'],
  ['password with odd characters', { username: 'üser', password: 'a:b@c/d%e "f' }, 'üser:a:b@c/d%e "f'],
  ['bearer token', { bearerToken: 't0ken\n' }, 'Bearer t0ken'],
])('%s', async (_, data, credential) => {
  expect(await fetched(await serve({ credential }), data as Record<string, string>)).toMatchObject(good());
});

test('user information of the URL stands in where the Secret has none, and is told to nobody', async () => {
  const url = await serve({ credential: 'bob:s3cret' });
  await h.put({ url: url.replace('http://', 'http://bob:s3cret@') });
  await h.reconcile();
  expect(tell()).toMatchObject(good());
  await h.edit({ ref: { branch: 'nope' } });
  await h.reconcile();
  expect(tell().message).toMatch(/couldn't find remote ref/);
  expect(tell().message).not.toContain('s3cret');
  expect(JSON.stringify(await h.cluster.storedEvents())).not.toContain('s3cret');
});

test('a private authority with a client certificate; without either the condition says what TLS said', async () => {
  const tls = { ...(await authority.issue()), ca: authority.ca };
  const url = await serve({ tls });
  const own = { 'tls.crt': client.cert, 'tls.key': client.key };
  expect(await fetched(url, { 'ca.crt': authority.ca, ...own })).toMatchObject(good());
  await h.cluster.put(secretOf('auth', own));
  await h.reconcile();
  expect(tell()).toMatchObject({
    status: 'False',
    reason: 'GitOperationFailed',
    message: expect.stringMatching(
      /^failed to checkout and determine revision: unable to list remote for 'https:.*certificate/,
    ),
  });
  await secret({ 'ca.crt': authority.ca, 'tls.crt': client.cert });
  await h.reconcile();
  expect(tell()).toMatchObject({ reason: 'AuthenticationFailed', message: expect.stringMatching(/both be set/) });
});

test('a certificate that has expired', async () => {
  const url = await serve({ tls: await authority.issue({ expired: true }) });
  expect(await fetched(url, { 'ca.crt': authority.ca })).toMatchObject({
    status: 'False',
    reason: 'GitOperationFailed',
    message: expect.stringMatching(/unable to clone 'https:.*(expired|certificate)/),
  });
});

test.each(['http', 'socks5'] as const)('a proxy of its own: %s', async (scheme) => {
  const proxy = await (scheme === 'http' ? startHttpProxy : startSocksProxy)('joe:p@w');
  const url = await serve({ credential: 'bob:pw' });
  const spec = { proxySecretRef: { name: 'proxy' } };
  const data = { address: `${scheme}://${proxy.address}`, username: 'joe', password: 'p@w' };
  await h.cluster.put(secretOf('proxy', data));
  expect(await fetched(url, { username: 'bob', password: 'pw' }, spec)).toMatchObject(good());
  expect(proxy.targets).toContain(new URL(url).host);
  await h.cluster.put(secretOf('proxy', { ...data, password: 'wrong' }));
  await h.reconcile();
  expect(tell()).toMatchObject({ status: 'False', reason: 'GitOperationFailed' });
  expect(tell().message).not.toContain('wrong');
  await h.cluster.put(secretOf('proxy', { address: 'ftp://x' }));
  await h.reconcile();
  expect(tell()).toMatchObject({
    reason: 'AuthenticationFailed',
    message: expect.stringMatching(
      /^failed to configure proxy options: invalid proxy secret 'team-\d+\/proxy': the scheme/,
    ),
  });
  await proxy.close();
});

test('AWS CodeCommit: what is signed for it reaches it, through a tunnel', async () => {
  mkdirSync(join(temp.dir, 'v1/repos'), { recursive: true });
  const commit = createRepository(join(temp.dir, 'v1/repos'), 'fleet').commit({ 'a.yaml': 'a' });
  const name = 'git-codecommit.eu-west-1.amazonaws.com';
  const keys = { accessKeyId: 'ASIAX', secretAccessKey: 's', sessionToken: 'tok/en+=' };
  const local = await serve({ tls: await authority.issue({ name }) });
  const proxy = await startHttpProxy('joe:pw', { [`${name}:443`]: new URL(local).host });
  await h.cluster.put(secretOf('proxy', { address: `http://${proxy.address}`, username: 'joe', password: 'pw' }));
  h = await createGitHarness(join(temp.dir, `h${number}`), {
    providers: { codeCommit: async (url) => codeCommitAuth(url, keys) },
  });
  await h.cluster.put(secretOf('proxy', { address: `http://${proxy.address}`, username: 'joe', password: 'pw' }));
  const spec = { provider: 'aws', proxySecretRef: { name: 'proxy' } };
  expect(await fetched(`https://${name}/v1/repos/fleet`, { 'ca.crt': authority.ca }, spec)).toMatchObject({
    status: 'True',
    message: `stored artifact for revision 'main@sha1:${commit}'`,
  });
  const sent = servers[0]?.requests.map(({ authorization }) => authorization?.replace('Basic ', '') ?? '') ?? [];
  expect(sent.length).toBeGreaterThan(0);
  for (const authorization of sent) {
    expect(Buffer.from(authorization, 'base64').toString()).toMatch(/^ASIAX%tok\/en\+=:\d{8}T\d{6}Z[0-9a-f]{64}$/);
  }
  await proxy.close();
});

describe.skipIf(!hasSshServer())('SSH', () => {
  let server: SshServer;
  const dir = join(temp.dir, 'ssh');
  const keyOf = (name: string, ...options: string[]) => {
    const file = join(dir, name);
    spawnSync('ssh-keygen', ['-q', '-f', file, ...options]);
    server.authorize(readFileSync(`${file}.pub`, 'utf8'));
    return readFileSync(file, 'utf8');
  };
  const url = () => `ssh://${server.user}@127.0.0.1:${server.port}${temp.dir}/fleet.git`;
  const hosts = () => Object.values(server.knownHosts).join('\n');
  beforeAll(async () => {
    mkdirSync(dir);
    server = await startSshServer(dir);
  });
  afterAll(() => server?.close());

  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['ecdsa', ['-t', 'ecdsa', '-b', '384']],
    ['rsa', ['-t', 'rsa', '-b', '2048']],
    ['rsa-pem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['ecdsa-pkcs8', ['-t', 'ecdsa', '-m', 'PKCS8']],
  ])('a locked key (%s) with its passphrase, with a wrong one, and without', async (name, options) => {
    const identity = keyOf(name, '-N', 'open sesame', ...options);
    const known = { identity, known_hosts: hosts() };
    expect(await fetched(url(), { ...known, password: 'open sesame' })).toMatchObject(good());
    await secret({ ...known, password: 'open' });
    await h.reconcile();
    expect(tell()).toMatchObject({ status: 'False', reason: 'GitOperationFailed' });
    await secret(known);
    await h.reconcile();
    expect(tell()).toMatchObject({
      reason: 'AuthenticationFailed',
      message: `failed to configure authentication options: SSH identity key is encrypted but no 'password' field was provided in the secret '${h.cluster.namespace}/auth'`,
    });
  });

  test('the wrong host key, a stranger, a Secret without known_hosts', async () => {
    const identity = keyOf('plain', '-N', '', '-t', 'ed25519');
    const [type = '', key = ''] = readFileSync(join(dir, 'plain.pub'), 'utf8').split(' ');
    const wrong = `[127.0.0.1]:${server.port} ${type} ${key}`;
    expect(await fetched(url(), { identity, known_hosts: wrong })).toMatchObject({
      status: 'False',
      reason: 'GitOperationFailed',
      message: expect.stringMatching(/unable to clone 'ssh:.*(host key verification failed|host key is known)/i),
    });
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'stranger')]);
    const stranger = readFileSync(join(dir, 'stranger'), 'utf8');
    expect(await fetched(url(), { identity: stranger, known_hosts: hosts() })).toMatchObject({
      reason: 'GitOperationFailed',
      message: expect.stringMatching(/Permission denied/),
    });
    expect(await fetched(url(), { identity })).toMatchObject({
      reason: 'AuthenticationFailed',
      message: "failed to configure authentication options: invalid 'ssh' auth option: 'known_hosts' is required",
    });
    expect(await fetched(url(), { identity, known_hosts: hosts() })).toMatchObject(good());
  });
});
