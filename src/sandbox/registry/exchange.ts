import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { RegistryCaller } from './access.ts';
import { RegistryFault } from './fault.ts';
import type { RepositoryContent } from './repository-content.ts';
import type { RepositoryStore } from './repository-store.ts';

/** One request that has been authenticated, with everything a handler needs to answer it. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  caller: RegistryCaller;
  repositories: RepositoryStore;
  clock: Clock;
  /** Account number, for messages. */
  registryId: string;
  /** Whether pushing to a repository that does not exist makes it. */
  createOnPush: boolean;
}

/** The content of a repository, once the caller may do `action` there. Throws DENIED, then NAME_UNKNOWN, in ECR's order. */
export function openRepository(exchange: Exchange, action: string, name: string): RepositoryContent {
  const { caller, repositories, registryId } = exchange;
  const record = repositories.get(name);
  caller.require(action, name, record);
  if (record === undefined) {
    const message = `The repository with name '${name}' does not exist in the registry with id '${registryId}'`;
    throw new RegistryFault(404, 'NAME_UNKNOWN', message);
  }
  return repositories.content(name);
}

/** Like `openRepository`, for the calls that begin a push: makes the repository where that is allowed. */
export function openForPush(exchange: Exchange, action: string, name: string): RepositoryContent {
  const { caller, repositories, createOnPush } = exchange;
  if (createOnPush && repositories.get(name) === undefined) {
    caller.require('ecr:CreateRepository', name, undefined);
    repositories.create(name);
  }
  return openRepository(exchange, action, name);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  contentType = 'application/json',
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body);
}
