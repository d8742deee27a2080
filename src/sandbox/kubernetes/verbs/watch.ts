import type { KubeObject } from '../../../base/kube-object.ts';
import { forbiddenField } from '../errors/field-error.ts';
import { invalid, StatusError } from '../errors/status-error.ts';
import type { Cluster } from '../kinds/cluster.ts';
import type { Resource } from '../kinds/resource.ts';
import type { Change } from '../storage/watch-feed.ts';
import { isTrue, parseRevision, requestFilter } from './list.ts';
import type { ObjectFilter } from './selectors.ts';

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: unknown;
}

export interface WatchRequest {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  query: URLSearchParams;
}

/** How often a quiet watch tells its client how far it is. */
const bookmarkEveryMs = 60_000;
const shortestTimeoutMs = 1_800_000;

/**
 * Streams the changes of a resource to `send` until the timeout of the request or until the returned function is called.
 * What exists comes first as ADDED where the request gives no resourceVersion or asks for initial events. A version that is
 * not remembered any more is answered with an ERROR event of code 410.
 */
export function watchObjects(
  cluster: Cluster,
  request: WatchRequest,
  send: (event: WatchEvent) => void,
  end: () => void,
): () => void {
  const { resource, namespace, name, query } = request;
  checkWatchOptions(query);
  const filter = requestFilter(resource, query, name);
  const from = parseRevision(query.get('resourceVersion'));
  const initial = isTrue(query.get('sendInitialEvents'));
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const { store } = cluster;

  const passes: ObjectFilter = (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) && (filter === undefined || filter(object));
  const deliver = (change: Change) => {
    const event = eventOf(change, resource, passes);
    if (event !== undefined) send(event);
  };

  const explicitlyOld = query.get('sendInitialEvents') !== null && !initial;
  if (initial || (!explicitlyOld && (from === undefined || from === 0))) {
    for (const stored of store.list(resource.storage, namespace)) {
      const object = resource.fromStored(stored);
      if (passes(object)) send({ type: 'ADDED', object });
    }
    if (initial && bookmarks) send(bookmark(resource, store.revision(), { 'k8s.io/initial-events-end': 'true' }));
  } else {
    const missed = store.changesSince(resource.storage, from ?? store.revision());
    if (missed === undefined) {
      send({ type: 'ERROR', object: expired(from ?? 0, store.revision()).toStatus() });
      end();
      return () => {};
    }
    for (const change of missed) deliver(change);
  }

  const unsubscribe = store.subscribe(resource.storage, deliver);
  const bookmarkTimer = bookmarks
    ? setInterval(() => send(bookmark(resource, store.revision())), bookmarkEveryMs)
    : undefined;
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const timeoutMs = seconds > 0 ? seconds * 1000 : shortestTimeoutMs * (1 + Math.random());
  const stop = () => {
    unsubscribe();
    clearInterval(bookmarkTimer);
    clearTimeout(timeout);
  };
  const timeout = setTimeout(() => {
    stop();
    if (bookmarks) send(bookmark(resource, store.revision()));
    end();
  }, timeoutMs);
  return stop;
}

function checkWatchOptions(query: URLSearchParams): void {
  if (query.get('sendInitialEvents') === null) return;
  if (query.get('resourceVersionMatch') !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [forbiddenField('resourceVersionMatch', why)]);
  }
}

/** A change as a watcher sees it who only sees what passes the filter. */
function eventOf({ type, object, previous }: Change, resource: Resource, passes: ObjectFilter): WatchEvent | undefined {
  const shown = resource.fromStored(object);
  const before = previous !== undefined && passes(resource.fromStored(previous));
  if (type === 'DELETED') return before ? { type, object: shown } : undefined;
  const now = passes(shown);
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', object: shown };
  if (!before || previous === undefined) return undefined;
  const { resourceVersion } = object.metadata;
  const last: KubeObject = {
    ...previous,
    metadata: { ...previous.metadata, ...(resourceVersion && { resourceVersion }) },
  };
  return { type: 'DELETED', object: resource.fromStored(last) };
}

function bookmark(resource: Resource, revision: number, annotations?: Record<string, string>): WatchEvent {
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...(annotations && { annotations }) };
  return { type: 'BOOKMARK', object: { kind: resource.kind, apiVersion: resource.apiVersion, metadata } };
}

function expired(from: number, revision: number): StatusError {
  return new StatusError(410, 'Expired', `too old resource version: ${from} (${revision})`);
}
