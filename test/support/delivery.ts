import { expect } from 'vitest';
import { crds } from '../../src/api/crds.ts';
import type { Kustomization } from '../../src/api/kustomization.ts';
import { statusOf } from '../../src/apply/kstatus.ts';
import { newLifetime, sleep } from '../../src/base/deadline.ts';
import { MillraceError } from '../../src/base/error.ts';
import type { Condition, KubeObject, ObjectRef } from '../../src/base/kube-object.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { createKustomizationController } from '../../src/controllers/kustomization/controller.ts';
import type { KustomizationDeps } from '../../src/controllers/kustomization/deps.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { memoryFileSystem } from '../../src/kustomize/file-system.ts';
import { createManager } from '../../src/runtime/manager.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';

const kustomizations = { apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization' };
const sources = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' };

export interface DeliveryOptions {
  /** Prepares and looks; never passes through a fault. */
  client: KubeClient;
  /** What the controller uses. Default `client`. */
  controllerClient?: KubeClient;
  deps?: Partial<KustomizationDeps>;
}

/** The Kustomization controller at work in a namespace of its own, over artifacts that a test writes down. */
export interface Delivery {
  namespace: string;
  /** `Kind/name Type Reason: message` of each event. */
  events: string[];
  opened: string[];
  /** Makes the files the artifact of a source, under a revision. */
  commit(source: string, revision: string, files: Record<string, string>): Promise<void>;
  create(name: string, spec?: Record<string, unknown>): Promise<void>;
  edit(name: string, spec: Record<string, unknown>): Promise<void>;
  get(name: string): Promise<Kustomization | undefined>;
  condition(name: string, type?: string): Promise<Condition | undefined>;
  /** Waits until the Ready condition has a reason, and a message that matches. */
  until(name: string, reason: string, message?: RegExp, timeoutMs?: number): Promise<Condition>;
  delete(name: string): Promise<void>;
  configMap(name: string): Promise<KubeObject | undefined>;
  close(): Promise<void>;
}

let count = 0;

export async function startDelivery({ client, controllerClient = client, deps }: DeliveryOptions): Promise<Delivery> {
  const namespace = `millrace-ks-${Math.random().toString(36).slice(2, 7)}${count++}`;
  const { signal } = newLifetime();
  const options = { signal, fieldManager: 'test' };
  for (const crd of crds()) await installMissing(client, crd);
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, options);

  const artifacts = new Map<string, Record<string, string>>();
  const events: string[] = [];
  const opened: string[] = [];
  const controller = createKustomizationController({
    client: controllerClient,
    events: {
      event: (object, type, reason, message) =>
        void events.push(`${object.kind}/${object.metadata.name} ${type} ${reason}: ${message}`),
    },
    openArtifact: async ({ digest }) => {
      opened.push(digest);
      const files = artifacts.get(digest);
      if (files === undefined) throw new MillraceError('ARTIFACT_NOT_FOUND', `no artifact ${digest}`);
      return memoryFileSystem(files);
    },
    ...deps,
  });
  const stop = newLifetime();
  const manager = createManager({
    client: controllerClient,
    controllers: [controller],
    namespace,
    logger: silentLogger,
    metrics: createMetrics(),
    drainMs: () => 2_000,
  });
  const ended = manager.run(stop.signal);
  const refOf = (name: string): ObjectRef => ({ ...kustomizations, namespace, name });

  const delivery: Delivery = {
    namespace,
    events,
    opened,
    async commit(source, revision, files) {
      const digest = `sha256:${Buffer.from(`${source} ${revision}`).toString('hex')}`;
      artifacts.set(digest, files);
      const spec = { url: 'https://git.example.com/fleet.git', interval: '1h' };
      const ref = { ...sources, namespace, name: source };
      const known = await client.get(ref, { signal });
      if (known === undefined)
        await client.create({ ...sources, metadata: { namespace, name: source }, spec }, options);
      const artifact = {
        path: 'x',
        url: 'http://127.0.0.1/x',
        revision,
        digest,
        lastUpdateTime: new Date().toISOString(),
      };
      await client.patch(ref, 'merge', { status: { artifact } }, { ...options, subresource: 'status' });
    },
    async create(name, spec = {}) {
      const sourceRef = { kind: 'GitRepository', name: 'git' };
      const full = { interval: '1h', prune: true, sourceRef, targetNamespace: namespace, ...spec };
      await client.create({ ...kustomizations, metadata: { namespace, name }, spec: full }, options);
    },
    edit: async (name, spec) => void (await client.patch(refOf(name), 'merge', { spec }, options)),
    get: (name) => client.get<Kustomization>(refOf(name), { signal }),
    async condition(name, type = 'Ready') {
      return (await delivery.get(name))?.status?.conditions?.find((condition) => condition.type === type);
    },
    async until(name, reason, message = /(?:)/, timeoutMs = 15_000) {
      const look = async () => {
        const ready = await delivery.condition(name);
        return ready === undefined ? 'no condition' : `${ready.reason}: ${ready.message}`;
      };
      const pattern = new RegExp(`^${reason}: [\\s\\S]*(?:${message.source})`);
      await expect.poll(look, { timeout: timeoutMs, interval: 50 }).toMatch(pattern);
      return (await delivery.condition(name)) as Condition;
    },
    delete: async (name) => void (await client.delete(refOf(name), { signal })),
    configMap: (name) => client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }, { signal }),
    async close() {
      stop.abort();
      await ended;
      const { items } = await client.list<Kustomization>(kustomizations, { namespace, signal });
      for (const { metadata } of items) {
        await client.patch(refOf(metadata.name), 'merge', { metadata: { finalizers: null } }, options).catch(() => {});
      }
      await client.delete({ apiVersion: 'v1', kind: 'Namespace', name: namespace }, { signal });
    },
  };
  return delivery;
}

/** On a real cluster Flux's own definitions may be there, and stay. */
async function installMissing(client: KubeClient, crd: KubeObject): Promise<void> {
  const { signal } = newLifetime();
  const ref = { apiVersion: crd.apiVersion, kind: crd.kind, name: crd.metadata.name };
  if ((await client.get(ref, { signal })) === undefined) await client.create(crd, { signal });
  const isServed = async () => statusOf((await client.get(ref, { signal })) ?? crd).status === 'Current';
  while (!(await isServed())) await sleep(50);
}

export function configMapFile(
  name: string,
  data: Record<string, string>,
  metadata: Record<string, unknown> = {},
): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data });
}
