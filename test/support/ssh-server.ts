import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';

export interface SshServer {
  port: number;
  user: string;
  /** Lines for known_hosts, by type of key. */
  knownHosts: Record<string, string>;
  authorize(publicKey: string): void;
  close(): Promise<void>;
}

const program = '/usr/sbin/sshd';

export function hasSshServer(): boolean {
  return existsSync(program) && process.getuid?.() === 0;
}

/** OpenSSH's server on a free port of this machine, for the user that runs the tests. */
export async function startSshServer(dir: string): Promise<SshServer> {
  mkdirSync('/run/sshd', { recursive: true });
  const port = await freePort();
  const types = ['ed25519', 'ecdsa', 'rsa'];
  for (const type of types) spawnSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', join(dir, `host_${type}`)]);
  const authorized = join(dir, 'authorized_keys');
  writeFileSync(authorized, '', { mode: 0o600 });
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...types.map((type) => `HostKey ${join(dir, `host_${type}`)}`),
    `AuthorizedKeysFile ${authorized}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin yes',
  ];
  writeFileSync(join(dir, 'sshd_config'), `${config.join('\n')}\n`);
  const child = spawn(program, ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: 'ignore' });
  await untilListening(port);
  const line = (type: string) => {
    const [algorithm, key] = readFileSync(join(dir, `host_${type}.pub`), 'utf8').split(' ');
    return `[127.0.0.1]:${port} ${algorithm} ${key}`;
  };
  return {
    port,
    user: userInfo().username,
    knownHosts: Object.fromEntries(types.map((type) => [type, line(type)])),
    authorize: (publicKey) => writeFileSync(authorized, publicKey, { flag: 'a' }),
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill();
      }),
  };
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('sshd does not start');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
