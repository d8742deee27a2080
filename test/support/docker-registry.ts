import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface DockerRegistry {
  /** `127.0.0.1:port`. */
  host: string;
  close(): Promise<void>;
}

const programs = ['/usr/bin/docker-registry', '/usr/local/bin/docker-registry'];

/** Where Debian's docker-registry is installed; tests that need it skip without. */
export function findDockerRegistry(): string | undefined {
  return programs.find((path) => existsSync(path));
}

/** A registry of the distribution project on a free port, its data below `dir`. */
export async function startDockerRegistry(dir: string): Promise<DockerRegistry> {
  const program = findDockerRegistry();
  if (program === undefined) throw new Error('docker-registry is not installed');
  const port = await freePort();
  const config = join(dir, 'registry.yml');
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: {level: error}',
      `storage: {filesystem: {rootdirectory: '${join(dir, 'registry')}'}, delete: {enabled: true}}`,
      `http: {addr: '127.0.0.1:${port}'}`,
      '',
    ].join('\n'),
  );
  const child = spawn(program, ['serve', config], { stdio: 'ignore', env: { PATH: process.env['PATH'] ?? '' } });
  const host = `127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt++) {
    const up = await fetch(`http://${host}/v2/`).then(
      (response) => response.ok,
      () => false,
    );
    if (up) break;
    if (attempt > 100) throw new Error('docker-registry does not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    host,
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill();
      }),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
