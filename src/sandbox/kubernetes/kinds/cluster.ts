import type { Clock } from '../../../base/clock.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { Store } from '../storage/store.ts';
import type { Registry } from './registry.ts';
import type { Resource } from './resource.ts';

/** Who makes a request, as authentication found or impersonation claims. */
export interface UserInfo {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra: Readonly<Record<string, readonly string[]>>;
}

/** A write that admission looks at before it is validated. */
export interface AdmissionRequest {
  operation: 'CREATE' | 'UPDATE' | 'DELETE';
  resource: Resource;
  subresource: string;
  namespace: string;
  name: string;
  object: KubeObject | undefined;
  old: KubeObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  /** Warnings for the client, to be added to. */
  warnings: string[];
}

/** May change the object, or refuse the write by throwing. */
export interface Admission {
  /** Built-in plugins: immediate. */
  admit(request: AdmissionRequest): void;
  /** Webhooks that care about the request; undefined where none does, so that the common write stays immediate. */
  webhooks(request: AdmissionRequest): (() => Promise<void>) | undefined;
}

/** What the verbs work on. */
export interface Cluster {
  store: Store;
  registry: Registry;
  clock: Clock;
  admission: Admission;
  /** Gives an object what the cluster hands out once: the addresses and ports of a Service. May change it. */
  allocate?(resource: Resource, object: KubeObject, old: KubeObject | undefined): void;
}
