import { text as textOf } from 'node:stream/consumers';
import { isRecord } from '../base/json.ts';
import type { KindRef, KubeObject, ObjectRef } from '../base/kube-object.ts';
import { type HttpHeaders, unreachable } from '../http/http-client.ts';
import type {
  ApiResource,
  KubeClient,
  ListOptions,
  ObjectList,
  PatchType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import type { Impersonation, KubeConfig } from './config.ts';
import { createDiscovery, type Discovery } from './discovery.ts';
import { collectionPath, objectPath, type Query, withQuery } from './resource-path.ts';
import { isKubeReason, kubeStatusOf } from './status-error.ts';
import { createTransport, type KubeRequest, type KubeTransport, type TransportOptions } from './transport.ts';
import { readWatchEvents } from './watch-stream.ts';

export interface KubeClientOptions extends TransportOptions {
  /** Objects in one page of a list. Default 500, as client-go. */
  pageSize?: number;
  /** How long the server keeps one watch open, in seconds; a random time up to twice as long. Default 300. */
  watchSeconds?: number;
}

/** A client that owns connections. */
export interface ConnectedKubeClient extends KubeClient {
  close(): Promise<void>;
}

/** A client of the cluster and user that `config` names. Nothing is sent before the first call. */
export function createKubeClient(config: KubeConfig, options: KubeClientOptions = {}): ConnectedKubeClient {
  const transport = createTransport(config, options);
  const discovery = createDiscovery(transport);
  return {
    ...newClient(transport, discovery, config.impersonate, options),
    close: () => transport.close(),
  };
}

const patchContentType: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};
const applyContentType = 'application/apply-patch+yaml';

function newClient(
  transport: KubeTransport,
  discovery: Discovery,
  actAs: Impersonation | undefined,
  options: KubeClientOptions,
): KubeClient {
  const headers = impersonationHeaders(actAs);
  const call = (request: KubeRequest) => transport.call({ ...request, headers });
  const send = async <T extends KubeObject>(request: KubeRequest): Promise<T> => (await call(request)) as T;

  /** Runs a call on a kind's resource; a path that is gone means that what is known of the version is out of date. */
  const onResource = async <R>(
    kind: KindRef,
    signal: AbortSignal,
    work: (resource: ApiResource) => Promise<R>,
  ): Promise<R> => {
    const resource = await discovery.resourceOf(kind, signal);
    try {
      return await work(resource);
    } catch (error) {
      if (!isPathGone(error)) throw error;
      discovery.forget(kind.apiVersion);
      // Throws KUBE_KIND_NOT_SERVED where the kind is really gone, and that is the better message.
      return work(await discovery.resourceOf(kind, signal));
    }
  };

  const listPages = async <T extends KubeObject>(resource: ApiResource, list: ListOptions): Promise<ObjectList<T>> => {
    const items: T[] = [];
    let cursor: string | undefined;
    let limit: number | undefined = options.pageSize ?? 500;
    for (;;) {
      const query = { ...selectors(list), limit, continue: cursor };
      try {
        const path = withQuery(collectionPath(resource, list.namespace), query);
        const page = asList<T>(await call({ method: 'GET', path, signal: list.signal }), resource);
        for (const item of page.items) items.push(item);
        cursor = page.next;
        if (cursor === undefined) return { items, resourceVersion: page.resourceVersion };
      } catch (error) {
        // The snapshot that the pages come from was compacted: all at once, which needs no snapshot.
        if (cursor === undefined || !isKubeReason(error, 'Expired', 'Gone')) throw error;
        items.length = 0;
        cursor = undefined;
        limit = undefined;
      }
    }
  };

  async function* watchOnce<T extends KubeObject>(kind: KindRef, watch: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const seconds = Math.round((options.watchSeconds ?? 300) * (1 + Math.random()));
    // A server that vanished without a word never closes the connection; one that is alive does so by itself.
    const stop = new AbortController();
    const onAbort = () => stop.abort(watch.signal.reason);
    watch.signal.throwIfAborted();
    watch.signal.addEventListener('abort', onAbort, { once: true });
    const overdue = setTimeout(() => stop.abort(), (seconds + 30) * 1000);
    try {
      const { signal } = stop;
      const response = await onResource(kind, signal, (resource) => {
        const path = withQuery(collectionPath(resource, watch.namespace), {
          ...selectors(watch),
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: watch.resourceVersion,
          timeoutSeconds: seconds,
        });
        return transport.open({ method: 'GET', path, headers, signal });
      });
      try {
        yield* readWatchEvents<T>(response.body);
      } finally {
        response.body.destroy();
      }
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      if (!stop.signal.aborted) throw unreachable(error, `watch of ${kind.kind}`, watch.signal);
    } finally {
      clearTimeout(overdue);
      watch.signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    async get<T extends KubeObject>(ref: ObjectRef, { signal }: { signal: AbortSignal }) {
      try {
        return await onResource(ref, signal, (resource) =>
          send<T>({ method: 'GET', path: objectPath(resource, ref), signal }),
        );
      } catch (error) {
        if (isObjectMissing(error)) return undefined;
        throw error;
      }
    },
    list: <T extends KubeObject>(kind: KindRef, list: ListOptions) =>
      onResource(kind, list.signal, (resource) => listPages<T>(resource, list)),
    watch: (kind, watch) => watchOnce(kind, watch),
    create: <T extends KubeObject>(object: T, write: WriteOptions) =>
      onResource(object, write.signal, (resource) => {
        const { namespace } = object.metadata;
        const path =
          write.subresource === undefined
            ? collectionPath(resource, namespace)
            : objectPath(resource, object.metadata, write.subresource);
        return send<T>({
          method: 'POST',
          path: withQuery(path, writeQuery(write)),
          body: object,
          signal: write.signal,
        });
      }),
    update: <T extends KubeObject>(object: T, write: WriteOptions) =>
      onResource(object, write.signal, (resource) => {
        const path = withQuery(objectPath(resource, object.metadata, write.subresource), writeQuery(write));
        return send<T>({ method: 'PUT', path, body: object, signal: write.signal });
      }),
    patch: <T extends KubeObject>(ref: ObjectRef, type: PatchType, body: unknown, write: WriteOptions) =>
      onResource(ref, write.signal, (resource) => {
        const path = withQuery(objectPath(resource, ref, write.subresource), writeQuery(write));
        return send<T>({ method: 'PATCH', path, body, contentType: patchContentType[type], signal: write.signal });
      }),
    apply: <T extends KubeObject>(object: T, apply: WriteOptions & { force?: boolean }) =>
      onResource(object, apply.signal, (resource) => {
        const query = { ...writeQuery(apply), force: apply.force };
        const path = withQuery(objectPath(resource, object.metadata, apply.subresource), query);
        return send<T>({ method: 'PATCH', path, body: object, contentType: applyContentType, signal: apply.signal });
      }),
    async delete(ref, { signal, propagation, uid, dryRun }) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
        ...(uid === undefined ? {} : { preconditions: { uid } }),
        ...(dryRun ? { dryRun: ['All'] } : {}),
      };
      try {
        await onResource(ref, signal, (resource) =>
          call({ method: 'DELETE', path: objectPath(resource, ref), body, signal }),
        );
        return true;
      } catch (error) {
        if (isObjectMissing(error)) return false;
        throw error;
      }
    },
    async requestToken(serviceAccount, { audiences, expirationSeconds }, { signal }) {
      const path = `/api/v1/namespaces/${serviceAccount.namespace}/serviceaccounts/${serviceAccount.name}/token`;
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences, ...(expirationSeconds === undefined ? {} : { expirationSeconds }) },
      };
      const answer = (await call({ method: 'POST', path, body, signal })) as {
        status: { token: string; expirationTimestamp: string };
      };
      return answer.status;
    },
    resourceOf: (kind, { signal }) => discovery.resourceOf(kind, signal),
    readPath: (path, { signal }) => call({ method: 'GET', path, signal }),
    async readLog(pod, { container, sinceSeconds, limitBytes = 4 * 1024 * 1024, signal }) {
      const of = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}/log`;
      const path = withQuery(of, { container, sinceSeconds, limitBytes });
      const { body } = await transport.open({ method: 'GET', path, headers, signal });
      return textOf(body);
    },
    impersonate: (user, groups) =>
      newClient(transport, discovery, { user, ...(groups === undefined ? {} : { groups }) }, options),
  };
}

/** The object itself is not there, as opposed to a path that the server does not serve: its Status names the object. */
function isObjectMissing(error: unknown): boolean {
  const status = kubeStatusOf(error);
  return status?.code === 404 && status.details?.name !== undefined && status.details.name !== '';
}

function isPathGone(error: unknown): boolean {
  return kubeStatusOf(error)?.code === 404 && !isObjectMissing(error);
}

function selectors({ labelSelector, fieldSelector }: ListOptions): Query {
  return { labelSelector, fieldSelector };
}

function writeQuery({ fieldManager, dryRun }: WriteOptions): Query {
  return { fieldManager, dryRun: dryRun ? 'All' : undefined };
}

/** Each group is a header of its own: the server does not split one at commas. */
function impersonationHeaders(actAs: Impersonation | undefined): HttpHeaders {
  if (actAs === undefined) return {};
  const groups = actAs.groups ?? [];
  return { 'impersonate-user': actAs.user, ...(groups.length === 0 ? {} : { 'impersonate-group': groups }) };
}

/** Items of a list carry no apiVersion and kind of their own. */
function asList<T extends KubeObject>(
  answer: unknown,
  { apiVersion, kind }: KindRef,
): ObjectList<T> & { next: string | undefined } {
  const list = isRecord(answer) ? answer : {};
  const meta = isRecord(list['metadata']) ? list['metadata'] : {};
  const bare = Array.isArray(list['items']) ? (list['items'] as T[]) : [];
  const items = bare.map((item) => Object.assign({ apiVersion, kind }, item) as T);
  const next = meta['continue'];
  return {
    items,
    resourceVersion: String(meta['resourceVersion'] ?? ''),
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
}
