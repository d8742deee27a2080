import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeObject } from '../../src/base/kube-object.ts';
import type { KubeConfig } from '../../src/kube/config.ts';

/** One request as the double saw it. */
export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: unknown;
}

/** Answers a request in the place of the double's own behaviour; returns false to let it through. */
export type Intercept = (request: SeenRequest, response: ServerResponse) => boolean | Promise<boolean>;

/**
 * The least of a Kubernetes API that our client and informers can be tried against over the wire: one kind,
 * `test.dev/v1 Widget` (namespaced), with list, watch, get, create, update, patch (merge) and delete. It can lose
 * history, cut watches and be told to answer anything.
 */
export interface KubeApiDouble {
  config: KubeConfig;
  seen: SeenRequest[];
  intercept: Intercept | undefined;
  /** Stores without a request, as another client would. */
  put(object: { name: string; namespace?: string; [field: string]: unknown }): KubeObject;
  remove(name: string, namespace?: string): void;
  /** Ends all watch connections, with an error event of 410 before it where `expired`. */
  cutWatches(options?: { expired?: boolean }): void;
  /** Forgets all events so far, as etcd's compaction does. */
  compact(): void;
  watchCount(): number;
  /** Stops listening, keeps the objects; `listen` opens the same port again. */
  stop(): Promise<void>;
  listen(): Promise<void>;
}

interface Recorded {
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
}

export async function startKubeApiDouble(): Promise<KubeApiDouble> {
  const objects = new Map<string, KubeObject>();
  const watchers = new Set<ServerResponse>();
  let history: Recorded[] = [];
  let oldest = 0;
  let version = 100;
  let port = 0;

  const record = (type: Recorded['type'], object: KubeObject) => {
    history.push({ version, type, object });
    for (const watcher of watchers) watcher.write(`${JSON.stringify({ type, object })}\n`);
  };
  const store = (object: KubeObject): KubeObject => {
    const { namespace = 'default', name } = object.metadata;
    const key = `${namespace}/${name}`;
    const before = objects.get(key);
    version++;
    const stored: KubeObject = {
      ...object,
      apiVersion: 'test.dev/v1',
      kind: 'Widget',
      metadata: {
        ...object.metadata,
        namespace,
        uid: before?.metadata.uid ?? `uid-${version}`,
        resourceVersion: `${version}`,
      },
    };
    objects.set(key, stored);
    record(before === undefined ? 'ADDED' : 'MODIFIED', stored);
    return stored;
  };
  const drop = (key: string) => {
    const object = objects.get(key);
    if (object === undefined) return;
    version++;
    objects.delete(key);
    record('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } });
  };

  const double: KubeApiDouble = {
    config: { name: 'double', server: '', namespace: 'default', credentials: { kind: 'none' } },
    seen: [],
    intercept: undefined,
    put: ({ name, namespace = 'default', ...fields }) =>
      store({ apiVersion: 'test.dev/v1', kind: 'Widget', metadata: { name, namespace }, ...fields }),
    remove: (name, namespace = 'default') => drop(`${namespace}/${name}`),
    cutWatches({ expired = false } = {}) {
      const last = `${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired', 'too old') })}\n`;
      for (const watcher of watchers) expired ? watcher.end(last) : watcher.destroy();
      watchers.clear();
    },
    compact() {
      history = [];
      oldest = version;
    },
    watchCount: () => watchers.size,
    async stop() {
      double.cutWatches();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    async listen() {
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      port = (server.address() as AddressInfo).port;
      double.config.server = `http://127.0.0.1:${port}`;
    },
  };

  const watch = (request: SeenRequest, response: ServerResponse) => {
    const from = Number(request.query.get('resourceVersion') ?? 0);
    if (from < oldest) return reply(response, 410, status(410, 'Expired', 'too old resource version'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const { version: at, type, object } of history) {
      if (at > from) response.write(`${JSON.stringify({ type, object })}\n`);
    }
    watchers.add(response);
    response.on('close', () => watchers.delete(response));
  };

  const collection = (request: SeenRequest, response: ServerResponse, namespace: string | undefined) => {
    if (request.method === 'POST') {
      const object = request.body as KubeObject;
      const key = `${namespace}/${object.metadata.name}`;
      if (objects.has(key)) {
        return reply(response, 409, status(409, 'AlreadyExists', `widgets "${object.metadata.name}" already exists`));
      }
      return reply(response, 201, store(object));
    }
    if (request.query.get('watch') === 'true') return watch(request, response);
    const all = [...objects.values()].filter(
      (object) => namespace === undefined || object.metadata.namespace === namespace,
    );
    const start = Number(request.query.get('continue') ?? 0);
    const limit = Number(request.query.get('limit') ?? all.length);
    const more = start + limit < all.length;
    const items = all.slice(start, start + limit).map(({ apiVersion: _a, kind: _k, ...item }) => item);
    const metadata = { resourceVersion: `${version}`, ...(more ? { continue: `${start + limit}` } : {}) };
    reply(response, 200, { kind: 'WidgetList', apiVersion: 'test.dev/v1', metadata, items });
  };

  const single = (request: SeenRequest, response: ServerResponse, key: string) => {
    const found = objects.get(key);
    const name = key.slice(key.indexOf('/') + 1);
    if (found === undefined) {
      return reply(response, 404, { ...status(404, 'NotFound', `widgets "${name}" not found`), details: { name } });
    }
    switch (request.method) {
      case 'PUT': {
        const object = request.body as KubeObject;
        if (object.metadata.resourceVersion !== found.metadata.resourceVersion) {
          return reply(response, 409, status(409, 'Conflict', 'the object has been modified'));
        }
        return reply(response, 200, store(object));
      }
      case 'PATCH':
        return reply(response, 200, store(mergePatch(found, request.body) as KubeObject));
      case 'DELETE':
        drop(key);
        return reply(response, 200, { kind: 'Status', status: 'Success' });
      default:
        return reply(response, 200, found);
    }
  };

  const route = async (request: SeenRequest, response: ServerResponse) => {
    double.seen.push(request);
    if (await double.intercept?.(request, response)) return;
    const { path } = request;
    if (path === '/apis/test.dev/v1') return reply(response, 200, widgets);
    const match = /^\/apis\/test\.dev\/v1(?:\/namespaces\/([^/]+))?\/widgets(?:\/([^/]+))?(?:\/status)?$/.exec(path);
    if (match === null) return reply(response, 404, '404 page not found\n');
    const [, namespace, name] = match;
    if (name === undefined) return collection(request, response, namespace);
    single(request, response, `${namespace}/${name}`);
  };

  const server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://double');
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    await route(
      {
        method: incoming.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: text === '' ? undefined : JSON.parse(text),
      },
      response,
    );
  });
  await double.listen();
  return double;
}

const widgets = {
  kind: 'APIResourceList',
  groupVersion: 'test.dev/v1',
  resources: [
    {
      name: 'widgets',
      kind: 'Widget',
      namespaced: true,
      verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
    },
    { name: 'widgets/status', kind: 'Widget', namespaced: true, verbs: ['get', 'patch', 'update'] },
  ],
};

export function status(code: number, reason: string, message: string) {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message };
}

export function reply(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): true {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
  return true;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}
