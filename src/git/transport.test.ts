import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority, type TestAuthority } from '../../test/support/certificates.ts';
import { type GitHttpServer, startGitHttpServer } from '../../test/support/git-http-server.ts';
import { createRepository, makeTempDir } from '../../test/support/git-repository.ts';
import { startHttpProxy, startSocksProxy } from '../../test/support/proxies.ts';
import { hasSshServer, type SshServer, startSshServer } from '../../test/support/ssh-server.ts';
import { listRemoteRefs } from './ls-remote.ts';
import { fetchInto, openMirror } from './mirror.ts';
import { createGit } from './program.ts';
import type { GitRemote } from './remote.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
const git = createGit({ searchPath: process.env['PATH'] ?? '', tempDir: temp.dir });
const main = 'refs/heads/main';
const none = { kind: 'none' } as const;
let head: string;

beforeAll(() => {
  head = createRepository(temp.dir).commit({ a: '1' });
});
afterAll(() => temp.remove());

const list = async (remote: GitRemote) => (await listRemoteRefs(git, remote, [main], signal)).get(main)?.commit;

describe('TLS', () => {
  let authority: TestAuthority;
  const servers: GitHttpServer[] = [];
  const serve = async (expired = false, clientCa = false) => {
    const tls = { ...(await authority.issue({ expired })), ...(clientCa ? { ca: authority.ca } : {}) };
    const server = await startGitHttpServer({ root: temp.dir, tls });
    servers.push(server);
    return `${server.url}/fleet.git`;
  };
  beforeAll(async () => {
    authority = await createAuthority();
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  test('a private authority is believed where it is given, and not otherwise', async () => {
    const url = await serve();
    expect(await list({ url, auth: none, tls: { ca: authority.ca } })).toBe(head);
    await expect(list({ url, auth: none })).rejects.toMatchObject({ code: 'GIT_TLS_FAILED' });
  });

  test('an expired certificate is told as such', async () => {
    const url = await serve(true);
    await expect(list({ url, auth: none, tls: { ca: authority.ca } })).rejects.toMatchObject({
      code: 'GIT_TLS_FAILED',
    });
  });

  test('a client certificate', async () => {
    const url = await serve(false, true);
    const own = await authority.issue();
    expect(await list({ url, auth: none, tls: { ca: authority.ca, ...own } })).toBe(head);
    await expect(list({ url, auth: none, tls: { ca: authority.ca } })).rejects.toThrow();
  });

  test('through an HTTP proxy, by tunnel', async () => {
    const proxy = await startHttpProxy('joe:pr@xy');
    const url = await serve();
    const through = { address: `http://${proxy.address}`, username: 'joe', password: 'pr@xy' };
    expect(await list({ url, auth: none, tls: { ca: authority.ca }, proxy: through })).toBe(head);
    expect(proxy.targets).toContain(new URL(url).host);
    await proxy.close();
  });
});

describe('proxies', () => {
  let server: GitHttpServer;
  beforeAll(async () => {
    server = await startGitHttpServer({ root: temp.dir, credential: 'Bearer t0ken' });
  });
  afterAll(() => server.close());
  const remote = (): GitRemote => ({ url: `${server.url}/fleet.git`, auth: { kind: 'bearer', token: 't0ken' } });

  test('HTTP, with a bearer token for the server', async () => {
    const proxy = await startHttpProxy('joe:pw');
    const through = { address: `http://${proxy.address}`, username: 'joe', password: 'pw' };
    expect(await list({ ...remote(), proxy: through })).toBe(head);
    expect(proxy.targets.length).toBeGreaterThan(0);
    const wrong = list({ ...remote(), proxy: { ...through, password: 'no' } });
    await expect(wrong).rejects.toMatchObject({ code: 'GIT_AUTH_DENIED' });
    await proxy.close();
  });

  test('SOCKS5', async () => {
    const proxy = await startSocksProxy('joe:pw');
    const through = { address: `socks5://${proxy.address}`, username: 'joe', password: 'pw' };
    expect(await list({ ...remote(), proxy: through })).toBe(head);
    expect(proxy.targets).toContain(new URL(server.url).host);
    await proxy.close();
  });
});

describe.skipIf(!hasSshServer())('SSH', () => {
  let server: SshServer;
  const keys = new Map<string, string>();
  beforeAll(async () => {
    const dir = join(temp.dir, 'ssh');
    mkdirSync(dir);
    server = await startSshServer(dir);
    for (const [name, type, passphrase] of [
      ['ed25519', 'ed25519', ''],
      ['ecdsa', 'ecdsa', ''],
      ['rsa', 'rsa', ''],
      ['locked', 'ed25519', 'open sesame'],
    ] as const) {
      const file = join(dir, name);
      spawnSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file]);
      keys.set(name, readFileSync(file, 'utf8'));
      server.authorize(readFileSync(`${file}.pub`, 'utf8'));
    }
  });
  afterAll(() => server.close());

  const remote = (key: string, options: { hosts?: string; passphrase?: string } = {}): GitRemote => ({
    url: `ssh://${server.user}@127.0.0.1:${server.port}${temp.dir}/fleet.git`,
    auth: {
      kind: 'ssh',
      identity: keys.get(key) ?? key,
      knownHosts: options.hosts ?? Object.values(server.knownHosts).join('\n'),
      ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
    },
  });

  test.each(['ed25519', 'ecdsa', 'rsa'])('a key of type %s', async (type) => {
    expect(await list(remote(type))).toBe(head);
  });

  test.each(['ed25519', 'ecdsa', 'rsa'])('known_hosts with a key of type %s alone', async (type) => {
    expect(await list(remote('ed25519', { hosts: server.knownHosts[type] ?? '' }))).toBe(head);
  });

  test('a locked key with its passphrase, and with a wrong one', async () => {
    expect(await list(remote('locked', { passphrase: 'open sesame' }))).toBe(head);
    await expect(list(remote('locked', { passphrase: 'no' }))).rejects.toMatchObject({ code: 'GIT_AUTH_DENIED' });
  });

  test('carriage returns and a missing line end do no harm', async () => {
    const key = (keys.get('ed25519') ?? '').replaceAll('\n', '\r\n').trimEnd();
    expect(await list(remote(key))).toBe(head);
  });

  test('a host with another key, or none at all, is refused', async () => {
    const [port, , other] = [server.port, '', keys.get('ed25519')];
    expect(other).toBeDefined();
    const stranger = spawnSync('ssh-keygen', ['-y', '-f', join(temp.dir, 'ssh/ed25519')], { encoding: 'utf8' }).stdout;
    const hosts = `[127.0.0.1]:${port} ${stranger.split(' ').slice(0, 2).join(' ')}`;
    await expect(list(remote('ed25519', { hosts }))).rejects.toMatchObject({ code: 'GIT_HOST_KEY_REJECTED' });
    await expect(list(remote('ed25519', { hosts: '# none' }))).rejects.toMatchObject({ code: 'GIT_HOST_KEY_REJECTED' });
  });

  test('a key that the server does not know', async () => {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(temp.dir, 'ssh/unknown')]);
    const failure = list(remote(readFileSync(join(temp.dir, 'ssh/unknown'), 'utf8')));
    await expect(failure).rejects.toMatchObject({ code: 'GIT_AUTH_DENIED' });
  });

  test('fetches; nothing private stays on disk', async () => {
    const mirror = await openMirror(join(temp.dir, 'ssh-mirror'));
    expect(await fetchInto(git, mirror, remote('ed25519'), main, { signal })).toBe(head);
    expect(readFileSync(join(mirror.gitDir, 'config'), 'utf8')).not.toMatch(/ssh|127/);
    expect(readdirSync(temp.dir).filter((name) => name.startsWith('millrace-git-'))).toEqual([]);
  });
});
