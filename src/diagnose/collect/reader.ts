import { isMillraceError } from '../../base/error.ts';
import { textAt } from '../../base/json.ts';
import type { KindRef, KubeObject, ObjectRef } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { reasonOf } from '../reason.ts';
import type { RoleDocuments, RoleReader } from './aws-facts.ts';
import type { FluxKind } from './flux-kinds.ts';

/** Something that could not be looked at, and why. */
export interface Gap {
  what: string;
  why: string;
}

/**
 * Reads a cluster for a diagnosis: what cannot be read is remembered, never thrown, so that one missing permission does not
 * hide everything else. Everything is asked for once.
 */
export class ClusterReader {
  readonly gaps: Gap[] = [];
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;
  readonly #lists = new Map<string, Promise<KubeObject[]>>();
  readonly #objects = new Map<string, Promise<KubeObject | undefined>>();
  #issuer: Promise<string | undefined> | undefined;
  readonly #roles: RoleReader | undefined;
  readonly #namespaces: readonly string[];
  readonly #asked = new Map<string, Promise<RoleDocuments | undefined>>();

  /** `namespaces` are looked at one by one where not all may be listed at once. */
  constructor(client: KubeClient, signal: AbortSignal, roles?: RoleReader, namespaces: readonly string[] = []) {
    this.#client = client;
    this.#signal = signal;
    this.#roles = roles;
    this.#namespaces = namespaces;
  }

  /** A role of IAM; undefined where nobody can be asked or the answer is no. Every role is asked for once. */
  role(name: string): Promise<RoleDocuments | undefined> {
    const roles = this.#roles;
    if (roles === undefined) return Promise.resolve(undefined);
    const asked =
      this.#asked.get(name) ??
      roles.role(name, this.#signal).catch((error: unknown) => this.#gap(`IAM role ${name}`, error, undefined));
    this.#asked.set(name, asked);
    return asked;
  }

  /** The issuer of the cluster's ServiceAccount tokens. */
  issuer(): Promise<string | undefined> {
    const path = '/.well-known/openid-configuration';
    this.#issuer ??= this.#client
      .readPath(path, { signal: this.#signal })
      .then((answer) => textAt(answer, 'issuer'))
      .catch((error: unknown) => this.#gap(`read ${path}`, error, undefined));
    return this.#issuer;
  }

  /** All objects of a kind in every namespace; empty, with a gap noted, where they cannot be read. */
  list(kind: KindRef): Promise<KubeObject[]> {
    const key = `${kind.apiVersion}/${kind.kind}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const asked = this.#client
      .list(kind, { signal: this.#signal })
      .then(({ items }) => items)
      .catch((error: unknown) => this.#listByNamespace(kind, error))
      .catch((error: unknown) => this.#gap(`list ${kind.kind} (${kind.apiVersion})`, error, []));
    this.#lists.set(key, asked);
    return asked;
  }

  /** Who may not list everywhere may do so in the namespaces that were named. */
  async #listByNamespace(kind: KindRef, error: unknown): Promise<KubeObject[]> {
    if (!isMillraceError(error, 'KUBE_FORBIDDEN') || this.#namespaces.length === 0) throw error;
    const lists: KubeObject[] = [];
    for (const namespace of this.#namespaces)
      lists.push(...(await this.#client.list(kind, { namespace, signal: this.#signal })).items);
    return lists;
  }

  /** A container's log; empty, with a gap noted, where it cannot be read. */
  log({ metadata: { namespace = '', name } }: KubeObject, container: string, sinceSeconds: number): Promise<string> {
    const options = { container, sinceSeconds, signal: this.#signal };
    return this.#client
      .readLog({ namespace, name }, options)
      .catch((error: unknown) => this.#gap(`log of ${namespace}/${name}`, error, ''));
  }

  /** All objects of a kind of Flux, in the newest version that the cluster serves; empty where it serves none. */
  async listServed({ group, versions, kind }: Pick<FluxKind, 'group' | 'versions' | 'kind'>): Promise<KubeObject[]> {
    for (const version of versions) {
      const ref = { apiVersion: `${group}/${version}`, kind };
      if (await this.isServed(ref)) return this.list(ref);
    }
    return [];
  }

  /** Why a kind could not be listed; undefined where it could, or was not asked for. */
  gapOf(kind: string): Gap | undefined {
    return this.gaps.find(({ what }) => what.startsWith(`list ${kind} (`));
  }

  /** One object, undefined where it does not exist or cannot be read. */
  get(ref: ObjectRef): Promise<KubeObject | undefined> {
    const what = `${ref.kind} ${ref.namespace ?? ''}/${ref.name}`;
    const asked =
      this.#objects.get(what) ??
      this.#client
        .get(ref, { signal: this.#signal })
        .catch((error: unknown) => this.#gap(`get ${what}`, error, undefined));
    this.#objects.set(what, asked);
    return asked;
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
    this.gaps.push({ what, why: reasonOf(error) });
    return value;
  }
}
