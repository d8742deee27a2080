import { errorMessage } from '../../base/error.ts';
import type { KindRef, KubeObject, ObjectRef } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';

/** Something that could not be looked at, and why. */
export interface Gap {
  what: string;
  why: string;
}

/**
 * Reads a cluster for a diagnosis: what cannot be read is remembered, never thrown, so that one missing permission does not
 * hide everything else. Every list is asked for once.
 */
export class ClusterReader {
  readonly gaps: Gap[] = [];
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;
  readonly #lists = new Map<string, Promise<KubeObject[]>>();

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** All objects of a kind in every namespace; empty, with a gap noted, where they cannot be read. */
  list(kind: KindRef): Promise<KubeObject[]> {
    const key = `${kind.apiVersion}/${kind.kind}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const asked = this.#client
      .list(kind, { signal: this.#signal })
      .then(({ items }) => items)
      .catch((error: unknown) => this.#gap(`list ${kind.kind} (${kind.apiVersion})`, error, []));
    this.#lists.set(key, asked);
    return asked;
  }

  /** Why a kind could not be listed; undefined where it could, or was not asked for. */
  gapOf(kind: string): Gap | undefined {
    return this.gaps.find(({ what }) => what.startsWith(`list ${kind} (`));
  }

  /** One object, undefined where it does not exist or cannot be read. */
  get(ref: ObjectRef): Promise<KubeObject | undefined> {
    return this.#client
      .get(ref, { signal: this.#signal })
      .catch((error: unknown) => this.#gap(`get ${ref.kind} ${ref.namespace ?? ''}/${ref.name}`, error, undefined));
  }

  /** Whether the cluster serves the kind in this version. */
  async isServed(kind: KindRef): Promise<boolean> {
    return this.#client
      .resourceOf(kind, { signal: this.#signal })
      .then(() => true)
      .catch(() => false);
  }

  #gap<T>(what: string, error: unknown, value: T): T {
    this.#signal.throwIfAborted();
    this.gaps.push({ what, why: errorMessage(error) });
    return value;
  }
}
