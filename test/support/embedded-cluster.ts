import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { crds } from '../../src/api/crds.ts';
import { isRecord } from '../../src/base/json.ts';
import type { Condition, KubeObject, ObjectRef } from '../../src/base/kube-object.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { createKubeClient } from '../../src/kube/api-client.ts';
import type { KubeClient, PatchType } from '../../src/kube/client.ts';
import { parseKubeConfig } from '../../src/kube/kubeconfig.ts';
import { createEventRecorder } from '../../src/runtime/event-recorder.ts';
import type { EventRecorder } from '../../src/runtime/events.ts';
import { startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';

export type StoredObject = KubeObject & { status: Record<string, unknown> };

/** A namespace of the embedded API, for one controller under test. */
export interface EmbeddedCluster {
  namespace: string;
  /** Path of a kubeconfig for it. */
  kubeconfig: string;
  /** What the controller is given: it speaks to the embedded API over the wire. */
  client: KubeClient;
  /** Writes events to the cluster. */
  events: EventRecorder;
  /** `Type Reason: message` of each event; the cluster shows traces as Normal. */
  recorded: string[];
  /** Status patches in order, as sent. */
  patches: Record<string, unknown>[];
  /** Creates an object with its status, or replaces it; in another namespace where the object says so. */
  put(object: KubeObject): Promise<void>;
  /** An object as it was read last, by any of these functions. */
  get(kind: string, name: string): StoredObject;
  condition(kind: string, name: string, type: string): Condition | undefined;
  /** Reads an object anew. */
  refresh(kind: string, name: string): Promise<void>;
  /** Reads everything anew that was read before. */
  refreshAll(): Promise<void>;
  /** Removes every object of the kinds in all namespaces, finalizers or not, and forgets what was recorded. */
  clear(kinds: readonly string[]): Promise<void>;
  /** Sets fields of the status, as a controller would. */
  editStatus(kind: string, name: string, status: Record<string, unknown>): Promise<void>;
  /** Sets fields of the spec, each as a whole; undefined removes one. */
  edit(kind: string, name: string, spec: Record<string, unknown>): Promise<void>;
  annotate(kind: string, name: string, annotations: Record<string, string>): Promise<void>;
  delete(kind: string, name: string): Promise<void>;
  /** Reasons and messages of the events that the cluster has. */
  storedEvents(): Promise<{ type: string; reason: string; message: string }[]>;
}

interface Server {
  client: KubeClient;
  kubeconfig: string;
  close(): Promise<void>;
}

let server: Promise<Server> | undefined;
let opened = 0;
const signal = new AbortController().signal;
const fieldManager = 'user';

afterAll(async () => {
  await (await server)?.close();
});

/** Opens a namespace, one of its own by default, in an embedded API that starts with the first call and ends with the test file. */
export async function openEmbeddedCluster(namespace = `team-${++opened}`): Promise<EmbeddedCluster> {
  server ??= startServer();
  const { client, kubeconfig } = await server;
  const namespaces = new Set<string>();
  const ensureNamespace = async (name: string) => {
    if (namespaces.has(name)) return;
    namespaces.add(name);
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal });
  };
  await ensureNamespace(namespace);
  const recorder = createEventRecorder({ client, component: 'test', instance: 'test', logger: silentLogger });
  const recorded: string[] = [];
  const patches: Record<string, unknown>[] = [];
  const seen = new Map<string, KubeObject | undefined>();
  const refresh = async (kind: string, name: string) => {
    seen.set(`${kind}/${name}`, await client.get(refTo(kind, name, namespace), { signal }));
  };
  const get = (kind: string, name: string) => {
    const object = seen.get(`${kind}/${name}`);
    if (object === undefined) throw new Error(`${kind}/${name} does not exist`);
    return object as StoredObject;
  };
  const patchStatus = (ref: ObjectRef, status: unknown) =>
    client.patch(ref, 'merge', { status }, { signal, fieldManager, subresource: 'status' });
  const patch = async (kind: string, name: string, type: PatchType, body: unknown) => {
    await client.patch(refTo(kind, name, namespace), type, body, { signal, fieldManager });
    await refresh(kind, name);
  };
  return {
    namespace,
    kubeconfig,
    client: {
      ...client,
      patch: (ref, type, body, options) => {
        if (isRecord(body) && isRecord(body['status'])) patches.push(structuredClone(body['status']));
        return client.patch(ref, type, body, options);
      },
    },
    events: {
      event(object, type, reason, message, metadata) {
        recorded.push(`${type} ${reason}: ${message}`);
        recorder.event(object, type, reason, message, metadata);
      },
    },
    recorded,
    patches,
    async put(object) {
      const { kind, metadata, status } = object;
      const own = metadata.namespace ?? namespace;
      await ensureNamespace(own);
      const placed = { ...object, metadata: { ...metadata, namespace: own } };
      const ref = refTo(kind, metadata.name, own);
      const existing = await client.get(ref, { signal });
      if (existing === undefined) await client.create(placed, { signal, fieldManager });
      else {
        const { resourceVersion, finalizers } = existing.metadata;
        const kept = { resourceVersion, finalizers } as Partial<KubeObject['metadata']>;
        await client.update({ ...placed, metadata: { ...placed.metadata, ...kept } }, { signal, fieldManager });
      }
      if (status !== undefined) await patchStatus(ref, status);
      if (own === namespace) await refresh(kind, metadata.name);
    },
    async editStatus(kind, name, status) {
      await patchStatus(refTo(kind, name, namespace), status);
      await refresh(kind, name);
    },
    async clear(kinds) {
      for (const kind of kinds) {
        const { items } = await client.list(refTo(kind, '', ''), { signal });
        for (const { metadata } of items) {
          const ref = refTo(kind, metadata.name, metadata.namespace ?? '');
          if ((metadata.finalizers ?? []).length > 0)
            await client.patch(ref, 'merge', { metadata: { finalizers: null } }, { signal, fieldManager });
          await client.delete(ref, { signal });
        }
      }
      seen.clear();
      recorded.length = 0;
      patches.length = 0;
    },
    get,
    refresh,
    async refreshAll() {
      for (const id of [...seen.keys()]) await refresh(id.split('/')[0] ?? '', id.split('/')[1] ?? '');
    },
    condition: (kind, name, type) =>
      (get(kind, name).status?.['conditions'] as Condition[] | undefined)?.find((found) => found.type === type),
    edit(kind, name, spec) {
      const changes = Object.entries(spec).map(([key, value]) => ({
        op: value === undefined ? 'remove' : 'add',
        path: `/spec/${key}`,
        ...(value === undefined ? {} : { value }),
      }));
      return patch(kind, name, 'json', changes);
    },
    annotate: (kind, name, annotations) => patch(kind, name, 'merge', { metadata: { annotations } }),
    async delete(kind, name) {
      await client.delete(refTo(kind, name, namespace), { signal });
      await refresh(kind, name);
    },
    async storedEvents() {
      await recorder.flush();
      const { items } = await client.list({ apiVersion: 'v1', kind: 'Event' }, { namespace, signal });
      return items.map(({ type, reason, message }) => ({
        type: String(type),
        reason: String(reason),
        message: String(message),
      }));
    },
  };
}

async function startServer(): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-cluster-'));
  const kubernetes = await startKubernetes({ dataDir: dir, controllers: false });
  const kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, kubernetes.kubeconfig());
  const client = createKubeClient(await parseKubeConfig(kubernetes.kubeconfig(), { where: 'test' }));
  for (const crd of crds()) await client.create(crd, { signal });
  return {
    client,
    kubeconfig,
    async close() {
      await client.close();
      await kubernetes.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function refTo(kind: string, name: string, namespace: string): ObjectRef {
  const isCore = kind === 'Secret' || kind === 'ServiceAccount' || kind === 'ConfigMap';
  const group = kind.startsWith('Image') ? 'image' : 'source';
  return { apiVersion: isCore ? 'v1' : `${group}.toolkit.fluxcd.io/v1`, kind, name, namespace };
}

export function secretOf(name: string, data: Record<string, string>, type = 'Opaque'): KubeObject {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { apiVersion: 'v1', kind: 'Secret', type, metadata: { name }, data: Object.fromEntries(encoded) };
}
