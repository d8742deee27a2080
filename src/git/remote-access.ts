import { rootCertificates } from 'node:tls';
import { newPrivateFiles, type PrivateFiles } from './private-files.ts';
import type { ConfigEntry, Git } from './program.ts';
import { type GitRemote, isSshUser, originOf, type SshAuth } from './remote.ts';

/** What a git command needs to reach a remote: environment and configuration, in force while `withRemoteAccess` runs. */
export interface RemoteAccess {
  env: Record<string, string>;
  config: ConfigEntry[];
}

/**
 * Calls `work` with a remote's credentials in a form git takes, and removes what was written for it.
 *
 * HTTP credentials are an `Authorization` header in the environment's configuration: no further process and no second
 * request, and /proc shows an environment to its own user only, who could read our memory as well. Because that header
 * would follow git to wherever a redirect leads, redirects are refused; an origin known to redirect (`git.redirecting`)
 * is served through an askpass program instead, which answers for the one host it belongs to.
 * SSH keys, certificates and authorities are files in a private folder for the time of the call.
 */
export async function withRemoteAccess<T>(
  git: Git,
  remote: GitRemote,
  work: (access: RemoteAccess) => Promise<T>,
): Promise<T> {
  const files = newPrivateFiles(git.options.tempDir);
  try {
    const access: RemoteAccess = { env: {}, config: [] };
    addTimeouts(access);
    await addAuth(git, remote, access, files);
    await addTls(remote, access, files);
    addProxy(remote, access);
    return await work(access);
  } finally {
    await files.remove();
  }
}

/** A transfer slower than 100 bytes a second for two minutes is dead, whatever the caller's deadline. */
function addTimeouts({ config }: RemoteAccess): void {
  config.push(['http.lowSpeedLimit', '100'], ['http.lowSpeedTime', '120']);
}

async function addAuth(git: Git, remote: GitRemote, access: RemoteAccess, files: PrivateFiles): Promise<void> {
  const { auth } = remote;
  if (remote.url.startsWith('ssh:')) return addSsh(git, auth.kind === 'ssh' ? auth : undefined, access, files);
  if (!remote.url.startsWith('http')) return;
  switch (auth.kind) {
    case 'bearer':
      access.config.push(
        ['http.extraHeader', `Authorization: Bearer ${auth.token}`],
        ['http.followRedirects', 'false'],
      );
      return;
    case 'basic':
      if (git.redirecting.has(originOf(remote.url))) return addAskpass(remote.url, auth, access, files);
      access.config.push(
        [
          'http.extraHeader',
          `Authorization: Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`,
        ],
        ['http.followRedirects', 'false'],
      );
      return;
    default:
      access.config.push(['http.followRedirects', 'initial']);
  }
}

/** Answers git's two questions for one origin only; after a redirect elsewhere the question names another host. */
const askpassScript = `#!/bin/sh
case "$1" in
  "Username for '$MILLRACE_GIT_ORIGIN': ") printf '%s' "$MILLRACE_GIT_USERNAME" ;;
  "Password for '$MILLRACE_GIT_SCHEME://"*"@$MILLRACE_GIT_HOST': ") printf '%s' "$MILLRACE_GIT_PASSWORD" ;;
  *) exit 1 ;;
esac
`;

async function addAskpass(
  url: string,
  auth: { username: string; password: string },
  access: RemoteAccess,
  files: PrivateFiles,
): Promise<void> {
  const { protocol, host } = new URL(url);
  access.config.push(['http.followRedirects', 'initial']);
  Object.assign(access.env, {
    GIT_ASKPASS: await files.write('askpass', askpassScript, 0o700),
    MILLRACE_GIT_ORIGIN: originOf(url),
    MILLRACE_GIT_SCHEME: protocol.slice(0, -1),
    MILLRACE_GIT_HOST: host,
    MILLRACE_GIT_USERNAME: auth.username,
    MILLRACE_GIT_PASSWORD: auth.password,
  });
}

/** OpenSSH finds the user's own configuration by the password database, not by HOME: `-F` is the only way to avoid it. */
const sshScript = `#!/bin/sh
exec ssh -F "$MILLRACE_SSH_CONFIG" "$@"
`;
const sshAskpassScript = `#!/bin/sh
printf '%s\\n' "$MILLRACE_SSH_PASSPHRASE"
`;

async function addSsh(git: Git, auth: SshAuth | undefined, access: RemoteAccess, files: PrivateFiles): Promise<void> {
  const user = auth?.username ?? 'git';
  if (!isSshUser(user)) throw new Error('the name of the SSH user has characters that are not allowed');
  const lines = [
    'Host *',
    `User ${user}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    'GlobalKnownHostsFile /dev/null',
    `UserKnownHostsFile "${await files.write('known_hosts', asLines(auth?.knownHosts ?? ''))}"`,
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    'CheckHostIP no',
    'PreferredAuthentications publickey',
    'ClearAllForwardings yes',
    'ControlMaster no',
    'PermitLocalCommand no',
    'ConnectTimeout 30',
    'ServerAliveInterval 15',
    'ServerAliveCountMax 4',
    'LogLevel ERROR',
    `BatchMode ${auth?.passphrase === undefined ? 'yes' : 'no'}`,
  ];
  if (auth !== undefined) lines.push(`IdentityFile "${await files.write('identity', asLines(auth.identity))}"`);
  const { sshKexAlgorithms, sshHostKeyAlgorithms } = git.options;
  if (sshKexAlgorithms.length > 0) lines.push(`KexAlgorithms ${sshKexAlgorithms.join(',')}`);
  if (sshHostKeyAlgorithms.length > 0) lines.push(`HostKeyAlgorithms ${sshHostKeyAlgorithms.join(',')}`);
  Object.assign(access.env, {
    GIT_SSH: await files.write('ssh', sshScript, 0o700),
    GIT_SSH_VARIANT: 'ssh',
    MILLRACE_SSH_CONFIG: await files.write('config', `${lines.join('\n')}\n`),
  });
  if (auth?.passphrase === undefined) return;
  Object.assign(access.env, {
    SSH_ASKPASS: await files.write('ssh-askpass', sshAskpassScript, 0o700),
    SSH_ASKPASS_REQUIRE: 'force',
    DISPLAY: 'none:0',
    MILLRACE_SSH_PASSPHRASE: auth.passphrase,
  });
}

/** OpenSSH refuses keys without a final line end or with carriage returns. */
function asLines(text: string): string {
  const unix = text.replaceAll('\r\n', '\n');
  return unix.endsWith('\n') ? unix : `${unix}\n`;
}

async function addTls({ tls }: GitRemote, { config }: RemoteAccess, files: PrivateFiles): Promise<void> {
  if (tls?.ca !== undefined) {
    // Git takes one file in the place of the system's authorities, which Flux only adds to.
    const authorities = [tls.ca.trimEnd(), ...rootCertificates].join('\n');
    config.push(['http.sslCAInfo', await files.write('ca.crt', `${authorities}\n`)]);
  }
  if (tls?.cert === undefined || tls.key === undefined) return;
  config.push(['http.sslCert', await files.write('tls.crt', tls.cert)]);
  config.push(['http.sslKey', await files.write('tls.key', tls.key)]);
}

/** A remote's own proxy beats the environment's. Names are resolved by a SOCKS proxy, as other Flux controllers have it. */
function addProxy({ proxy }: GitRemote, { env, config }: RemoteAccess): void {
  if (proxy === undefined) return;
  const url = new URL(proxy.address.replace(/^socks5:/, 'socks5h:'));
  if (proxy.username !== undefined) {
    url.username = encodeURIComponent(proxy.username);
    // Said at once, as to servers: some proxies close the connection on which they ask.
    config.push(['http.proxyAuthMethod', 'basic']);
  }
  if (proxy.password !== undefined) url.password = encodeURIComponent(proxy.password);
  config.push(['http.proxy', url.href.replace(/\/$/, '')]);
  Object.assign(env, { no_proxy: '', NO_PROXY: '' });
}
