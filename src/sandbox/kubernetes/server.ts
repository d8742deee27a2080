import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { anonymous, authenticate, impersonated, type User } from './authentication.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions, groupsOf } from './discovery.ts';
import { listObject, listPage } from './list.ts';
import { type DeleteOptions, type ObjectApi, patchTypes, type WriteRequest, type WriteResult } from './object-api.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';
import { RoleAuthorizer } from './rbac.ts';
import { type ApiPath, contentType, fieldManager, parseApiPath, readBody, wantsTable } from './request.ts';
import type { Resource, ResourceRegistry } from './resources.ts';
import { answerReview } from './reviews.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import type { TokenIssuer } from './service-account-tokens.ts';
import {
  ApiFailure,
  badRequest,
  invalidObject,
  methodNotAllowed,
  noSuchPath,
  required,
  unauthorized,
} from './status.ts';
import { type ObjectStore, storePrefix } from './store.ts';
import { tableOf } from './table.ts';
import { streamWatch } from './watch.ts';

export interface ApiServerParts {
  store: ObjectStore;
  registry: ResourceRegistry;
  issuer: TokenIssuer;
  adminToken: string;
  api: ObjectApi;
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  user: User;
}

/** The HTTP face of the API: authentication, routing, authorisation, and how answers are written. */
export class ApiServer {
  readonly #parts: ApiServerParts;
  readonly #api: ObjectApi;
  readonly #rbac: RoleAuthorizer;

  constructor(parts: ApiServerParts) {
    this.#parts = parts;
    this.#api = parts.api;
    this.#rbac = new RoleAuthorizer(parts.store);
  }

  /** Answers one request; never throws. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'https://kubernetes');
      await this.#route({ request, response, url, user: this.#userOf(request) });
    } catch (error) {
      const failure = error instanceof ApiFailure ? error : internalError(error);
      if (response.headersSent) response.destroy();
      else send(response, failure.code, failure.toStatus());
    }
  }

  #userOf(request: IncomingMessage): User {
    const { adminToken, issuer } = this.#parts;
    const user = authenticate(request, adminToken, issuer);
    const other = impersonated(request);
    if (other === undefined) return user;
    const access = { verb: 'impersonate', group: '', resource: 'users', namespace: '', name: other.name };
    this.#rbac.require(user, access);
    return other;
  }

  async #route(call: Call): Promise<void> {
    const { url, response, user } = call;
    if (this.#answerPublic(call)) return;
    if (user === anonymous) throw unauthorized();
    const path = parseApiPath(url.pathname);
    if (path === undefined) {
      this.#rbac.require(user, { verb: 'get', group: '', resource: '', namespace: '', name: '', path: url.pathname });
      return this.#answerDiscovery(call);
    }
    const resource = this.#parts.registry.find(path.group, path.version, path.plural);
    if (resource === undefined) throw noSuchPath();
    const answer = await this.#answerResource(call, resource, path);
    if (answer !== undefined) send(response, answer.code, answer.body, answer.headers);
  }

  /** Health and the issuer's documents, which everybody may read (STS reads them without credentials). */
  #answerPublic({ url, request, response }: Call): boolean {
    const { issuer } = this.#parts;
    switch (url.pathname) {
      case '/healthz':
      case '/livez':
      case '/readyz':
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
        return true;
      case '/version':
        send(response, 200, versionInfo);
        return true;
      case '/.well-known/openid-configuration':
        send(response, 200, issuer.discoveryDocument());
        return true;
      case '/openid/v1/jwks':
        return answerKeys(request, response, issuer);
      default:
        return false;
    }
  }

  #answerDiscovery({ url, request, response }: Call): void {
    const { registry } = this.#parts;
    const parts = url.pathname.split('/').filter((part) => part !== '');
    const isAggregated = /apidiscovery\.k8s\.io/.test(request.headers.accept ?? '') && parts.length === 1;
    if (isAggregated && (parts[0] === 'api' || parts[0] === 'apis')) {
      const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
      send(response, 200, aggregatedDiscovery(registry, parts[0] === 'api'), { 'content-type': type });
      return;
    }
    const body = this.#discoveryBody(parts);
    // The real server has a page for what no part of it serves, not a Status.
    if (body === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
    else send(response, 200, body);
  }

  #discoveryBody([root, ...rest]: string[]): unknown {
    const { registry } = this.#parts;
    if (root === 'api') return rest.length === 0 ? apiVersions() : apiResourceList(registry, '', rest[0] ?? '');
    if (root === 'openapi' && rest[0] === 'v3') {
      return rest.length === 1 ? openApiIndex(registry) : openApiDocument(registry, rest.slice(1).join('/'));
    }
    if (root !== 'apis') return undefined;
    const [group, version] = rest;
    if (group === undefined) return apiGroupList(registry);
    if (version !== undefined) return apiResourceList(registry, group, version);
    const found = groupsOf(registry).find(({ name }) => name === group);
    return found === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(found) };
  }

  async #answerResource(call: Call, resource: Resource, path: ApiPath): Promise<Answer | undefined> {
    const { request, url, user } = call;
    const verb = verbOf(request.method ?? 'GET', path, url.searchParams);
    const named = path.subresource === undefined ? path.plural : `${path.plural}/${path.subresource}`;
    this.#rbac.require(user, { verb, group: path.group, resource: named, namespace: path.namespace, name: path.name });
    if (path.subresource !== undefined && path.subresource !== 'status')
      return this.#answerSubresource(call, resource, path);
    switch (verb) {
      case 'get':
        return this.#shown(call, resource, this.#api.get(resource, path.namespace, path.name));
      case 'list':
        return this.#list(call, resource, path);
      case 'watch':
        return this.#watch(call, resource, path);
      case 'create':
        return this.#create(call, resource, path);
      case 'update': {
        const write = writeRequest(call, resource, path);
        return this.#written(call, this.#api.update(await readBody(request), write), write);
      }
      case 'patch':
        return this.#patch(call, resource, path);
      case 'delete':
        return this.#delete(call, resource, path);
      case 'deletecollection':
        return this.#deleteCollection(call, resource, path);
      default:
        throw methodNotAllowed();
    }
  }

  async #create(call: Call, resource: Resource, path: ApiPath): Promise<Answer> {
    const body = await readBody(call.request);
    const review = answerReview(resource.kind, body, call.user, this.#rbac, this.#parts.issuer);
    if (review !== undefined) return { code: 201, body: { ...review, kind: resource.kind, metadata: {} } };
    const given = isRecord(body) && isRecord(body['metadata']) ? body['metadata'] : {};
    const name = typeof given['name'] === 'string' ? given['name'] : '';
    const write = writeRequest(call, resource, { ...path, name });
    return this.#written(call, this.#api.create(body, write), write);
  }

  async #patch(call: Call, resource: Resource, path: ApiPath): Promise<Answer> {
    const type = patchTypes[contentType(call.request) as keyof typeof patchTypes];
    if (type === undefined) {
      throw new ApiFailure(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format');
    }
    if (type === 'apply' && (call.url.searchParams.get('fieldManager') ?? '') === '') {
      const options = { group: 'meta.k8s.io', kind: 'PatchOptions' };
      throw withoutName(invalidObject(options, '', [required('fieldManager', 'is required for apply patch')]));
    }
    const write = writeRequest(call, resource, path);
    return this.#written(call, this.#api.patch(type, await readBody(call.request), write), write);
  }

  #list(call: Call, resource: Resource, path: ApiPath): Answer {
    const query = call.url.searchParams;
    const page = listPage(this.#parts.store, {
      resource,
      namespace: path.namespace === '' ? undefined : path.namespace,
      selects: selectorOf(query),
      limit: Number(query.get('limit') ?? 0),
      continueToken: query.get('continue') ?? '',
    });
    if (!wantsTable(call.request)) return { code: 200, body: listObject(resource, page) };
    return { code: 200, body: tableOf(resource, page.items, page.metadata, query.get('includeObject') ?? 'Metadata') };
  }

  #watch(call: Call, resource: Resource, path: ApiPath): undefined {
    const query = call.url.searchParams;
    const selects = selectorOf(query);
    const asTable = wantsTable(call.request);
    streamWatch(this.#parts.store, call.response, {
      resource,
      namespace: path.namespace === '' ? undefined : path.namespace,
      selects: (object) => selects(object) && (path.name === '' || object.metadata.name === path.name),
      resourceVersion: query.get('resourceVersion') ?? '',
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      sendInitialEvents: query.get('sendInitialEvents') === 'true',
      timeoutMs: Number(query.get('timeoutSeconds') ?? 1800) * 1000,
      render: (object) =>
        asTable
          ? tableOf(
              resource,
              [object],
              { resourceVersion: object.metadata.resourceVersion },
              query.get('includeObject') ?? 'Metadata',
            )
          : object,
    });
    return undefined;
  }

  async #delete(call: Call, resource: Resource, path: ApiPath): Promise<Answer> {
    const before = this.#api.get(resource, path.namespace, path.name);
    const options = deleteOptions(await readBody(call.request), call.url.searchParams);
    const remaining = this.#api.delete(resource, path.namespace, path.name, options);
    if (remaining !== undefined) return this.#shown(call, resource, remaining);
    const details = {
      name: path.name,
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.plural,
      uid: before.metadata.uid,
    };
    return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
  }

  async #deleteCollection(call: Call, resource: Resource, path: ApiPath): Promise<Answer> {
    const query = call.url.searchParams;
    const options = deleteOptions(await readBody(call.request), query);
    const selects = selectorOf(query);
    const namespace = path.namespace === '' ? undefined : path.namespace;
    const items = this.#parts.store.list(storePrefix(resource), namespace).filter(selects);
    for (const { metadata } of items) this.#api.delete(resource, metadata.namespace ?? '', metadata.name, options);
    const metadata = { resourceVersion: String(this.#parts.store.resourceVersion) };
    return { code: 200, body: listObject(resource, { items, metadata }) };
  }

  async #answerSubresource(call: Call, resource: Resource, path: ApiPath): Promise<Answer> {
    if (path.subresource === 'token' && resource.kind === 'ServiceAccount' && call.request.method === 'POST') {
      return this.#issueToken(resource, path, await readBody(call.request));
    }
    if (path.subresource === 'log') {
      throw badRequest('the sandbox runs no containers, so there are no logs');
    }
    if (path.subresource === 'scale' && resource.subresources.includes('scale'))
      return this.#scale(call, resource, path);
    throw noSuchPath();
  }

  /** Authentication/v1 TokenRequest. */
  #issueToken(resource: Resource, path: ApiPath, body: unknown): Answer {
    const account = this.#api.get(resource, path.namespace, path.name);
    const spec = isRecord(body) && isRecord(body['spec']) ? body['spec'] : {};
    const audiences =
      Array.isArray(spec['audiences']) && spec['audiences'].length > 0
        ? (spec['audiences'] as string[])
        : [this.#parts.issuer.issuer];
    const seconds = typeof spec['expirationSeconds'] === 'number' ? spec['expirationSeconds'] : 3600;
    if (seconds < 600) {
      const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
      const message = `Invalid value: ${seconds}: may not specify a duration less than 10 minutes`;
      throw invalidObject(kind, path.name, [{ field: 'spec.expirationSeconds', type: 'Invalid', message }]);
    }
    const owner = { namespace: path.namespace, name: path.name, uid: account.metadata.uid ?? '' };
    const token = this.#parts.issuer.issue(owner, audiences, seconds);
    const status = {
      token,
      expirationTimestamp: new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    const { namespace, name } = path;
    return {
      code: 201,
      body: {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name, namespace, creationTimestamp: account.metadata.creationTimestamp },
        spec: { audiences, expirationSeconds: seconds, boundObjectRef: null },
        status,
      },
    };
  }

  async #scale(call: Call, resource: Resource, path: ApiPath): Promise<Answer> {
    const { method } = call.request;
    if (method === 'PATCH' || method === 'PUT') {
      const body = await readBody(call.request);
      const replicas = isRecord(body) && isRecord(body['spec']) ? body['spec']['replicas'] : undefined;
      const { subresource: _, ...write } = writeRequest(call, resource, path);
      this.#api.patch('merge', { spec: { replicas } }, { ...write });
    }
    return { code: 200, body: scaleOf(this.#api.get(resource, path.namespace, path.name)) };
  }

  #written(call: Call, { object, created }: WriteResult, { resource, warnings }: WriteRequest): Answer {
    const answer = this.#shown(call, resource, object);
    const headers: Record<string, string[]> =
      warnings.length === 0 ? {} : { warning: warnings.map((text) => `299 - "${text.replaceAll('"', '\\"')}"`) };
    return { ...answer, code: created ? 201 : 200, headers };
  }

  #shown(call: Call, resource: Resource, object: KubeObject): Answer {
    if (!wantsTable(call.request)) return { code: 200, body: object };
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return {
      code: 200,
      body: tableOf(resource, [object], metadata, call.url.searchParams.get('includeObject') ?? 'Metadata'),
    };
  }
}

interface Answer {
  code: number;
  body: unknown;
  headers?: Record<string, string | string[]>;
}

function send(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string | string[]> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

function internalError(error: unknown): ApiFailure {
  const message = error instanceof Error ? error.message : String(error);
  return new ApiFailure(500, 'InternalError', `Internal error occurred: ${message}`, {
    causes: [{ reason: '', message }],
  });
}

/** The real server serves its keys as a JWK set only, and refuses clients that insist on another type. */
function answerKeys(request: IncomingMessage, response: ServerResponse, issuer: TokenIssuer): boolean {
  const accept = request.headers.accept;
  if (accept !== undefined && !/\*\/\*|jwk-set/.test(accept)) {
    throw new ApiFailure(
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/jwk-set+json',
      {},
    );
  }
  send(response, 200, issuer.keys(), { 'content-type': 'application/jwk-set+json' });
  return true;
}

const versionInfo = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  gitVersion: 'v1.36.0-millrace',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '',
  goVersion: '',
  compiler: '',
  platform: 'millrace/sandbox',
};

function verbOf(method: string, path: ApiPath, query: URLSearchParams): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (query.get('watch') === 'true' || query.get('watch') === '1') return 'watch';
      return path.name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return path.name === '' ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed();
  }
}

function writeRequest({ request, url }: Call, resource: Resource, path: ApiPath): WriteRequest {
  const query = url.searchParams;
  const validation = query.get('fieldValidation');
  return {
    resource,
    namespace: path.namespace,
    name: path.name,
    ...(path.subresource === undefined ? {} : { subresource: path.subresource }),
    manager: fieldManager(request, query),
    dryRun: query.get('dryRun') === 'All',
    force: query.get('force') === 'true',
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    warnings: [],
  };
}

function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const options = isRecord(body) ? body : {};
  const preconditions = isRecord(options['preconditions']) ? options['preconditions'] : {};
  const wanted = options['propagationPolicy'] ?? query.get('propagationPolicy');
  const dryRun = options['dryRun'] ?? query.getAll('dryRun');
  return {
    propagation: wanted === 'Foreground' || wanted === 'Orphan' ? wanted : 'Background',
    ...(typeof preconditions['uid'] === 'string' ? { uid: preconditions['uid'] } : {}),
    ...(typeof preconditions['resourceVersion'] === 'string'
      ? { resourceVersion: preconditions['resourceVersion'] }
      : {}),
    dryRun: Array.isArray(dryRun) && dryRun.includes('All'),
  };
}

function selectorOf(query: URLSearchParams) {
  const [labels, fields] = [
    parseLabelSelector(query.get('labelSelector')),
    parseFieldSelector(query.get('fieldSelector')),
  ];
  return (object: KubeObject) => labels(object) && fields(object);
}

function scaleOf(object: KubeObject): Record<string, unknown> {
  const [spec, status] = [object['spec'], object['status']].map((part) => (isRecord(part) ? part : {}));
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec?.['replicas'] ?? 0 },
    status: { replicas: status?.['replicas'] ?? 0 },
  };
}

/** Faults of the options of a request name no object. */
function withoutName(failure: ApiFailure): ApiFailure {
  const { name: _, ...details } = failure.details ?? {};
  return new ApiFailure(failure.code, failure.reason, failure.message, details);
}
