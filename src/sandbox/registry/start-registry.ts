import { timingSafeEqual } from 'node:crypto';
import { type Clock, systemClock } from '../../base/clock.ts';
import { type Logger, silentLogger } from '../../base/logger.ts';
import type { HttpListener } from '../http-listener.ts';
import { fixedAccess, type RegistryAccess } from './access.ts';
import { notAuthorized } from './fault.ts';
import { RepositoryStore } from './repository-store.ts';
import { serveRegistry } from './server.ts';

export interface RegistryPartOptions {
  repositories: RepositoryStore;
  access: RegistryAccess;
  registryId: string;
  port?: number | undefined;
  createOnPush?: boolean | undefined;
  clock?: Clock | undefined;
  logger?: Logger | undefined;
}

/** Starts the registry over repositories that the ECR API shares. */
export function startRegistry(options: RegistryPartOptions): Promise<HttpListener> {
  const { clock = systemClock, logger = silentLogger, createOnPush = false } = options;
  return serveRegistry({ ...options, clock, logger, createOnPush });
}

/** A registry by itself, without AWS: every repository is made on push; user AWS with `token` may do everything. */
export async function startPlainRegistry(options: {
  dataDir: string;
  /** Password of user AWS; without one the registry is open to everybody who can reach it. */
  token?: string | undefined;
  port?: number | undefined;
  clock?: Clock | undefined;
  logger?: Logger | undefined;
}): Promise<HttpListener> {
  const { dataDir, token, port, clock = systemClock, logger } = options;
  const repositories = new RepositoryStore(dataDir, clock);
  const listener = await startRegistry({
    repositories,
    port,
    clock,
    logger,
    registryId: '000000000000',
    createOnPush: true,
    access: fixedAccess(
      (authorization) => token === undefined || isBasic(authorization, `AWS:${token}`),
      notAuthorized,
    ),
  });
  return {
    ...listener,
    async close() {
      await listener.close();
      repositories.close();
    },
  };
}

function isBasic(authorization: string | undefined, login: string): boolean {
  const expected = Buffer.from(`Basic ${Buffer.from(login).toString('base64')}`);
  const given = Buffer.from(authorization ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
