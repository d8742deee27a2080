import { isRecord } from '../../src/base/json.ts';
import type { Condition, KubeObject, ObjectRef } from '../../src/base/kube-object.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { EventRecorder } from '../../src/runtime/events.ts';

export interface MemoryCluster {
  client: KubeClient;
  events: EventRecorder;
  /** `Type Reason: message` of each event. */
  recorded: string[];
  /** Status patches in order, as sent. */
  patches: Record<string, unknown>[];
  put(object: KubeObject): void;
  get(kind: string, name: string): KubeObject & { status: Record<string, unknown> };
  /** Changes the spec of an object, as a user would. */
  edit(kind: string, name: string, spec: Record<string, unknown>): void;
  annotate(kind: string, name: string, annotations: Record<string, string>): void;
  condition(kind: string, name: string, type: string): Condition | undefined;
  delete(kind: string, name: string): void;
}

/** Enough of a cluster for one controller at a time: objects of one namespace, merge patches, generations. */
export function createMemoryCluster(namespace = 'flux-system'): MemoryCluster {
  const objects = new Map<string, KubeObject>();
  const recorded: string[] = [];
  const patches: Record<string, unknown>[] = [];
  let version = 1;
  const idOf = ({ kind, name }: ObjectRef) => `${kind}/${name}`;
  const find = (kind: string, name: string) => {
    const object = objects.get(`${kind}/${name}`);
    if (object === undefined) throw new Error(`${kind}/${name} does not exist`);
    return object as KubeObject & { status: Record<string, unknown> };
  };
  const client: Partial<KubeClient> = {
    async get(ref) {
      const object = objects.get(idOf(ref));
      return object === undefined ? undefined : (structuredClone(object) as never);
    },
    async list(kind) {
      const items = [...objects.values()].filter((object) => object.kind === kind.kind);
      return { items: structuredClone(items) as never[], resourceVersion: String(version) };
    },
    async patch(ref, _type, body) {
      const object = objects.get(idOf(ref));
      if (object === undefined) throw new Error('gone');
      const changes = body as Record<string, unknown>;
      if (isRecord(changes['status'])) patches.push(structuredClone(changes['status']));
      const merged = merge(object, changes) as KubeObject;
      merged.metadata.resourceVersion = String(++version);
      objects.set(idOf(ref), merged);
      const { deletionTimestamp, finalizers } = merged.metadata;
      if (deletionTimestamp !== undefined && (finalizers ?? []).length === 0) objects.delete(idOf(ref));
      return structuredClone(merged) as never;
    },
  };
  return {
    client: client as KubeClient,
    events: { event: (_object, type, reason, message) => void recorded.push(`${type} ${reason}: ${message}`) },
    recorded,
    patches,
    put(object) {
      const metadata = {
        namespace,
        generation: 1,
        uid: `uid-${++version}`,
        resourceVersion: String(version),
        ...object.metadata,
      };
      objects.set(`${object.kind}/${object.metadata.name}`, { ...structuredClone(object), metadata });
    },
    get: find,
    edit(kind, name, spec) {
      const object = find(kind, name);
      object['spec'] = { ...(object['spec'] as object), ...spec };
      object.metadata.generation = (object.metadata.generation ?? 0) + 1;
    },
    annotate(kind, name, annotations) {
      const { metadata } = find(kind, name);
      metadata.annotations = { ...metadata.annotations, ...annotations };
    },
    condition: (kind, name, type) =>
      (find(kind, name).status?.['conditions'] as Condition[] | undefined)?.find((found) => found.type === type),
    delete(kind, name) {
      find(kind, name).metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    },
  };
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

export function secretOf(name: string, data: Record<string, string>, type = 'Opaque'): KubeObject {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { apiVersion: 'v1', kind: 'Secret', type, metadata: { name }, data: Object.fromEntries(encoded) };
}
