import type { KindRef, KubeObject, ObjectKey, ObjectRef } from '../base/kube-object.ts';

/** Every call takes a signal; none waits longer than the client's request timeout. */
export interface CallOptions {
  signal: AbortSignal;
}

export interface ListOptions extends CallOptions {
  /** All namespaces when left out. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

export interface ObjectList<T> {
  items: T[];
  resourceVersion: string;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string };

export interface WatchOptions extends ListOptions {
  resourceVersion: string;
}

export interface WriteOptions extends CallOptions {
  fieldManager?: string;
  dryRun?: boolean;
  subresource?: 'status' | 'scale';
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take fields over from other managers instead of failing with a conflict. */
  force?: boolean;
}

export type PatchType = 'merge' | 'json' | 'strategic';

export interface DeleteOptions extends CallOptions {
  propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Delete only this very object. */
  uid?: string;
  dryRun?: boolean;
}

export interface LogOptions extends CallOptions {
  /** Needed where the pod has several. */
  container?: string;
  sinceSeconds?: number;
  /** Default 4 MiB. */
  limitBytes?: number;
}

/**
 * A Kubernetes API client keyed by apiVersion and kind. Failures are MillraceErrors with the server's reason and message
 * in a `KubeStatusError` cause (status-error.ts); kinds the server does not serve throw KUBE_KIND_NOT_SERVED.
 */
export interface KubeClient {
  /** The object, or undefined where the server answers 404. */
  get<T extends KubeObject = KubeObject>(ref: ObjectRef, options: CallOptions): Promise<T | undefined>;
  /** All objects of a kind, read page by page. */
  list<T extends KubeObject = KubeObject>(kind: KindRef, options: ListOptions): Promise<ObjectList<T>>;
  /** One watch connection; ends when the server closes it, throws KUBE_EXPIRED on 410. */
  watch<T extends KubeObject = KubeObject>(kind: KindRef, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject = KubeObject>(object: T, options: WriteOptions): Promise<T>;
  /** Replaces the object; conflicts when `metadata.resourceVersion` is not the current one. */
  update<T extends KubeObject = KubeObject>(object: T, options: WriteOptions): Promise<T>;
  patch<T extends KubeObject = KubeObject>(
    ref: ObjectRef,
    type: PatchType,
    body: unknown,
    options: WriteOptions,
  ): Promise<T>;
  /** Server-side apply. */
  apply<T extends KubeObject = KubeObject>(object: T, options: ApplyOptions): Promise<T>;
  /** False where the object was already gone. */
  delete(ref: ObjectRef, options: DeleteOptions): Promise<boolean>;
  /** A token of the TokenRequest API for a ServiceAccount. */
  requestToken(
    serviceAccount: ObjectKey,
    request: { audiences: string[]; expirationSeconds?: number },
    options: CallOptions,
  ): Promise<{ token: string; expirationTimestamp: string }>;
  /** Whether the server serves the kind, whether it is namespaced, and its plural. */
  resourceOf(kind: KindRef, options: CallOptions): Promise<ApiResource>;
  /** The JSON that a path outside the kinds answers: `/version`, `/.well-known/openid-configuration`, `/apis` … */
  readPath(path: string, options: CallOptions): Promise<unknown>;
  /** The end of a container's log, as far back as it goes or `sinceSeconds` says. */
  readLog(pod: ObjectKey, options: LogOptions): Promise<string>;
  /** A client that acts as another user, by impersonation headers. */
  impersonate(user: string, groups?: string[]): KubeClient;
}

export interface ApiResource extends KindRef {
  plural: string;
  namespaced: boolean;
  verbs: string[];
}
