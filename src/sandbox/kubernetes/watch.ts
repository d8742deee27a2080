import type { ServerResponse } from 'node:http';
import type { KubeObject } from '../../base/kube-object.ts';
import { served } from './object-api.ts';
import type { Resource } from './resources.ts';
import type { Selector } from './selectors.ts';
import { ApiFailure } from './status.ts';
import { type ObjectStore, type StoreEvent, storePrefix } from './store.ts';

export interface WatchRequest {
  resource: Resource;
  namespace: string | undefined;
  /** A named object's watch; matches by name. */
  selects: Selector;
  resourceVersion: string;
  bookmarks: boolean;
  sendInitialEvents: boolean;
  timeoutMs: number;
  /** How an object is written into an event. */
  render(object: KubeObject): unknown;
}

const bookmarkEveryMs = 60_000;

/** Streams the changes of a resource as JSON lines until the time is up or the client leaves. */
export function streamWatch(store: ObjectStore, response: ServerResponse, request: WatchRequest): void {
  const { resource, namespace, selects, resourceVersion, render } = request;
  const prefix = namespace === undefined ? `${storePrefix(resource)}/` : `${storePrefix(resource)}/${namespace}/`;
  const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
  const bookmark = (annotations?: Record<string, string>) =>
    send('BOOKMARK', {
      kind: resource.kind,
      apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
      metadata: {
        resourceVersion: String(store.resourceVersion),
        creationTimestamp: null,
        ...(annotations === undefined ? {} : { annotations }),
      },
    });
  const onEvent = ({ type, key, object, before }: StoreEvent) => {
    if (!key.startsWith(prefix)) return;
    const [isIn, wasIn] = [type !== 'DELETED' && selects(object), before !== undefined && selects(before)];
    const shown = render(served(resource, object));
    if (isIn) send(wasIn ? 'MODIFIED' : 'ADDED', shown);
    else if (wasIn) send('DELETED', shown);
  };
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const startsNow = resourceVersion === '' || resourceVersion === '0';
  if (startsNow || request.sendInitialEvents) {
    for (const object of store.list(storePrefix(resource), namespace))
      if (selects(object)) send('ADDED', render(served(resource, object)));
    if (request.sendInitialEvents) bookmark({ 'k8s.io/initial-events-end': 'true' });
  } else {
    const missed = store.since(Number(resourceVersion));
    if (missed === undefined) {
      const message = `too old resource version: ${resourceVersion} (${store.resourceVersion})`;
      send('ERROR', new ApiFailure(410, 'Expired', message).toStatus());
      response.end();
      return;
    }
    for (const event of missed) onEvent(event);
  }
  const unsubscribe = store.subscribe(onEvent);
  const ticker = request.bookmarks ? setInterval(() => bookmark(), bookmarkEveryMs) : undefined;
  const timer = setTimeout(() => response.end(), request.timeoutMs);
  response.once('close', () => {
    unsubscribe();
    clearInterval(ticker);
    clearTimeout(timer);
  });
}
