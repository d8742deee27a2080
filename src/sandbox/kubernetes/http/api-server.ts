import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator } from '../auth/authenticate.ts';
import { accessOf, demand } from '../auth/authorize.ts';
import { impersonate } from '../auth/impersonate.ts';
import type { TokenIssuer } from '../auth/token-issuer.ts';
import { aggregated, coreVersions, groupDocument, groupList, resourceList } from '../discovery/discovery.ts';
import { openapiDocument, openapiIndex } from '../discovery/openapi.ts';
import { StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import { negotiate } from './negotiate.ts';
import { parseRequest, type RequestInfo, type ResourceRequest } from './request-info.ts';
import { handleResource } from './resource-handler.ts';
import { send, sendError, sendText } from './respond.ts';
import type { SubresourceHandlers } from './subresources.ts';

export interface ApiServer {
  cluster: Cluster;
  authenticator: Authenticator;
  issuer: TokenIssuer;
  /** The URL that the server is reached at, which is the issuer of its tokens as well. */
  url: string;
  subresources: SubresourceHandlers;
}

/** Answers one HTTP request, errors included. */
export async function handleRequest(
  server: ApiServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const info = parseRequest(request.method ?? 'GET', request.url ?? '/');
    if (servePublic(server, request, response, info)) return;
    const user = impersonate(server.cluster, request, server.authenticator.authenticate(request));
    demand(server.cluster, user, accessOf(request.method ?? 'GET', info));
    if (info.resource !== undefined && isServed(server, info.resource)) {
      await handleResource(server.cluster, server.subresources, request, response, info, user);
    } else serveDocument(server, request, response, info);
  } catch (error) {
    sendError(response, error);
  }
}

function isServed({ cluster }: ApiServer, { group, version }: ResourceRequest): boolean {
  return cluster.registry.ofVersion(group, version).length > 0;
}

const version = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+millrace',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'millrace',
  platform: `${process.platform}/${process.arch}`,
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
};

const healthPaths = new Set(['/healthz', '/livez', '/readyz', '/healthz/ping', '/livez/ping', '/readyz/ping']);

/** What everybody may read: health, version, and the issuer's discovery document and keys. */
function servePublic(
  server: ApiServer,
  request: IncomingMessage,
  response: ServerResponse,
  { path }: RequestInfo,
): boolean {
  if (healthPaths.has(path)) sendText(response, 200, 'text/plain; charset=utf-8', 'ok');
  else if (path === '/version') send(response, 200, version, { type: 'application/json', pretty: true });
  else if (path === '/.well-known/openid-configuration') {
    const issuer = server.url;
    const document = {
      issuer,
      jwks_uri: `${issuer}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
    send(response, 200, document, { type: 'application/json', pretty: false });
  } else if (path === '/openid/v1/jwks') serveKeys(server, request, response);
  else return false;
  return true;
}

/** Keys are served as a key set and as nothing else, as the real server does: plain JSON is not acceptable. */
function serveKeys(server: ApiServer, request: IncomingMessage, response: ServerResponse): void {
  const type = 'application/jwk-set+json';
  const accepted = (request.headers.accept ?? '*/*').split(',').map((part) => part.split(';')[0]?.trim());
  if (!accepted.some((one) => one === type || one === '*/*' || one === 'application/*' || one === '')) {
    throw new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${type}`);
  }
  sendText(response, 200, type, JSON.stringify(server.issuer.jwks()));
}

function serveDocument(
  server: ApiServer,
  request: IncomingMessage,
  response: ServerResponse,
  { path }: RequestInfo,
): void {
  const { registry } = server.cluster;
  const parts = path.split('/').filter((part) => part !== '');
  const [root, group = '', served = '', ...more] = parts;
  const form = negotiate(request.headers.accept, ['APIGroupDiscoveryList']);
  let document: unknown;
  if (parts.length === 1 && (root === 'api' || root === 'apis')) {
    if (form.as === 'APIGroupDiscoveryList') {
      const type = `application/json;g=apidiscovery.k8s.io;v=${form.version};as=APIGroupDiscoveryList`;
      sendText(response, 200, type, JSON.stringify(aggregated(registry, root === 'api')));
      return;
    }
    document = root === 'api' ? coreVersions(server.url.replace('https://', '')) : groupList(registry);
  } else if (root === 'api' && parts.length === 2) document = resourceList(registry, '', group);
  else if (root === 'apis' && parts.length === 2) document = groupDocument(registry, group);
  else if (root === 'apis' && parts.length === 3) document = resourceList(registry, group, served);
  else if (root === 'openapi' && group === 'v3') {
    document = parts.length === 2 ? openapiIndex(registry) : openapiDocument(registry, [served, ...more].join('/'));
  } else if (parts.length === 0)
    document = { paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v3', '/readyz', '/version'] };
  if (document === undefined) {
    // What no part of the server serves is answered with a page, not with a Status.
    sendText(response, 404, 'text/plain; charset=utf-8', '404 page not found\n');
    return;
  }
  send(response, 200, document, form);
}
