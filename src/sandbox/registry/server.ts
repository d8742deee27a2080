import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { type HttpListener, listenHttp } from '../http-listener.ts';
import type { RegistryAccess } from './access.ts';
import { answerBlob, answerUpload, beginUpload } from './blobs.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { notAuthorized, RegistryFault, unsupported } from './fault.ts';
import { answerManifest, answerReferrers } from './manifests.ts';
import type { RepositoryStore } from './repository-store.ts';
import { parseRoute, type Route } from './route.ts';
import { answerTags } from './tags.ts';

export interface RegistryOptions {
  repositories: RepositoryStore;
  access: RegistryAccess;
  clock: Clock;
  logger: Logger;
  /** Account number, which messages name. */
  registryId: string;
  /** Makes a repository when something is pushed to a name that does not exist. */
  createOnPush: boolean;
  port?: number | undefined;
}

/**
 * Serves the OCI distribution API over HTTP with the manners of ECR: Basic authentication on every path, permission for each
 * request, repositories that must exist (spec/provisioning.md §2 and §10).
 */
export function serveRegistry(options: RegistryOptions): Promise<HttpListener> {
  const { access, logger, port } = options;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    const [path = '/', query = ''] = (request.url ?? '/').split('?');
    const caller = access.authenticate(request.headers.authorization);
    const route = parseRoute(decodePath(path));
    if (route === undefined) throw new RegistryFault(404, 'NAME_INVALID', 'No such path');
    await answer(route, { ...options, request, response, caller, query: new URLSearchParams(query) });
  };
  return listenHttp(
    (request, response) => {
      handle(request, response).catch((error: unknown) => answerError(error, request, response, logger));
    },
    { what: 'the registry', port },
  );
}

async function answer(route: Route, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  switch (route.kind) {
    case 'ping':
      return sendJson(response, 200, {});
    case 'catalog':
      // ECR has none: repositories are listed by its API.
      throw unsupported('The catalog is not available; ecr:DescribeRepositories lists repositories');
    case 'tags':
      requireMethod(request, 'GET', 'HEAD');
      return answerTags(exchange, route.repository);
    case 'manifest':
      return answerManifest(exchange, route.repository, route.reference);
    case 'blob':
      requireMethod(request, 'GET', 'HEAD', 'DELETE');
      return answerBlob(exchange, route.repository, route.digest);
    case 'uploads':
      requireMethod(request, 'POST');
      return beginUpload(exchange, route.repository);
    case 'upload':
      return answerUpload(exchange, route.repository, route.id);
    case 'referrers':
      requireMethod(request, 'GET');
      return answerReferrers(exchange, route.repository, route.digest);
  }
}

function requireMethod({ method = '' }: IncomingMessage, ...allowed: string[]): void {
  if (!allowed.includes(method)) throw unsupported(`${method} is not possible here`);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

function answerError(error: unknown, request: IncomingMessage, response: ServerResponse, logger: Logger): void {
  const fault = error instanceof RegistryFault ? error : undefined;
  if (fault === undefined && !request.destroyed) {
    logger.error('A registry request failed', { error: error instanceof Error ? (error.stack ?? '') : String(error) });
  }
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What the client still sends would be taken for its next request.
  if (!request.complete) response.setHeader('connection', 'close');
  if (fault === undefined) {
    sendJson(response, 500, { errors: [{ code: 'UNKNOWN', message: 'unknown error' }] });
    return;
  }
  if (fault.status === notAuthorized().status) {
    response.setHeader(
      'www-authenticate',
      `Basic realm="http://${request.headers.host ?? ''}/",service="ecr.amazonaws.com"`,
    );
  }
  if (fault.code === undefined) {
    response.writeHead(fault.status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${fault.message}\n`);
    return;
  }
  sendJson(response, fault.status, { errors: [{ code: fault.code, message: fault.message }] });
}
