import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newLifetime } from '../../src/base/deadline.ts';
import type { KubeObject } from '../../src/base/kube-object.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { KubeClient, WatchEvent } from '../../src/kube/client.ts';
import { kubeStatusOf } from '../../src/kube/status-error.ts';
import { createInformer } from '../../src/runtime/informer.ts';

/** A cluster to hold the contract against. The client must be allowed everything. */
export interface ContractCluster {
  client: KubeClient;
  close(): Promise<void>;
}

const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
const { signal } = newLifetime();

/** What our client, our informers and an API server promise each other; the same for the embedded one and a real one. */
export function kubeContract(name: string, open: () => Promise<ContractCluster>): void {
  describe(`kube contract: ${name}`, () => {
    const namespace = `millrace-contract-${Math.random().toString(36).slice(2, 8)}`;
    let cluster: ContractCluster;
    let client: KubeClient;

    beforeAll(async () => {
      cluster = await open();
      ({ client } = cluster);
      await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal });
    });
    afterAll(async () => {
      await client?.delete({ apiVersion: 'v1', kind: 'Namespace', name: namespace }, { signal });
      await cluster?.close();
    });

    const newMap = (
      mapName: string,
      data: Record<string, string> = {},
      labels: Record<string, string> = {},
    ): KubeObject => ({
      ...configMap,
      metadata: { name: mapName, namespace, labels },
      data,
    });
    const refTo = (mapName: string) => ({ ...configMap, namespace, name: mapName });
    const statusOf = (work: Promise<unknown>) => work.then(() => undefined, kubeStatusOf);

    test('says what it is', async () => {
      expect(await client.readPath('/version', { signal })).toMatchObject({ major: '1' });
      expect(await client.resourceOf({ apiVersion: 'apps/v1', kind: 'Deployment' }, { signal })).toMatchObject({
        plural: 'deployments',
        namespaced: true,
      });
      expect(await client.resourceOf({ apiVersion: 'v1', kind: 'Namespace' }, { signal })).toMatchObject({
        namespaced: false,
      });
      await expect(client.resourceOf({ apiVersion: 'v1', kind: 'Nothing' }, { signal })).rejects.toMatchObject({
        code: 'KUBE_KIND_NOT_SERVED',
      });
      await expect(client.list({ apiVersion: 'nowhere.dev/v1', kind: 'Nothing' }, { signal })).rejects.toMatchObject({
        code: 'KUBE_KIND_NOT_SERVED',
      });
    });

    test('creates once, reads, deletes once', async () => {
      const created = await client.create(newMap('once', { a: '1' }), { signal });
      expect(created.metadata.uid).toBeTruthy();
      expect(await statusOf(client.create(newMap('once'), { signal }))).toMatchObject({
        code: 409,
        reason: 'AlreadyExists',
      });
      expect((await client.get(refTo('once'), { signal }))?.metadata.uid).toBe(created.metadata.uid);
      expect(await statusOf(client.delete(refTo('once'), { signal, uid: 'another' }))).toMatchObject({
        reason: 'Conflict',
      });
      expect(await client.delete(refTo('once'), { signal, dryRun: true })).toBe(true);
      expect(await client.delete(refTo('once'), { signal })).toBe(true);
      expect(await client.delete(refTo('once'), { signal })).toBe(false);
      expect(await client.get(refTo('once'), { signal })).toBeUndefined();
    });

    test('refuses what is invalid, with the fields', async () => {
      expect(await statusOf(client.create(newMap('Not A Name'), { signal }))).toMatchObject({
        code: 422,
        reason: 'Invalid',
        details: { causes: [expect.objectContaining({ field: 'metadata.name' })] },
      });
      const elsewhere = { ...configMap, metadata: { name: 'x', namespace: `${namespace}-missing` } };
      expect(await statusOf(client.create(elsewhere, { signal }))).toMatchObject({ code: 404, reason: 'NotFound' });
    });

    test('replaces only what was read last', async () => {
      const first = await client.create(newMap('versions', { a: '1' }), { signal });
      await client.update({ ...first, data: { a: '2' } }, { signal });
      expect(await statusOf(client.update({ ...first, data: { a: '3' } }, { signal }))).toMatchObject({
        code: 409,
        reason: 'Conflict',
      });
    });

    test('takes merge, JSON and strategic patches', async () => {
      await client.create(newMap('patched', { a: '1', b: '2' }), { signal });
      const ref = refTo('patched');
      expect((await client.patch(ref, 'merge', { data: { a: null, c: '3' } }, { signal }))['data']).toEqual({
        b: '2',
        c: '3',
      });
      const operations = [{ op: 'replace', path: '/data/b', value: 'x' }];
      expect((await client.patch(ref, 'json', operations, { signal }))['data']).toEqual({ b: 'x', c: '3' });
      expect((await client.patch(ref, 'strategic', { data: { d: '4' } }, { signal }))['data']).toEqual({
        b: 'x',
        c: '3',
        d: '4',
      });
      expect(await statusOf(client.patch(refTo('missing'), 'merge', {}, { signal }))).toMatchObject({
        reason: 'NotFound',
      });
    });

    test('applies by field owner, with conflicts and force', async () => {
      const apply = (fieldManager: string, data: Record<string, string>, force = false) =>
        client.apply<KubeObject>(
          { ...configMap, metadata: { name: 'applied', namespace }, data },
          { signal, fieldManager, force },
        );
      await apply('one', { a: '1', b: '1' });
      const conflict = await statusOf(apply('two', { a: '2' }));
      expect(conflict).toMatchObject({
        code: 409,
        reason: 'Conflict',
        details: { causes: [{ field: '.data.a', reason: 'FieldManagerConflict' }] },
      });
      expect((await apply('two', { a: '2' }, true))['data']).toEqual({ a: '2', b: '1' });
      expect((await apply('one', {}))['data']).toEqual({ a: '2' });
      const before = await client.get(refTo('applied'), { signal });
      const again = await apply('two', { a: '2' });
      expect(again.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
    });

    test('a dry run answers and changes nothing', async () => {
      const options = { signal, fieldManager: 'dry', dryRun: true };
      const answer = await client.apply<KubeObject>(
        { ...configMap, metadata: { name: 'dry', namespace }, data: { a: '1' } },
        options,
      );
      expect(answer.metadata.uid).toBeTruthy();
      expect(await client.get(refTo('dry'), { signal })).toBeUndefined();
    });

    test('lists by label and field, over pages', async () => {
      for (let i = 0; i < 7; i++)
        await client.create(newMap(`listed-${i}`, {}, { set: 'listed', odd: String(i % 2 === 1) }), { signal });
      const list = async (labelSelector: string) =>
        (await client.list(configMap, { signal, namespace, labelSelector })).items;
      expect(await list('set=listed')).toHaveLength(7);
      expect(await list('set=listed,odd=true')).toHaveLength(3);
      expect(await list('set in (listed),odd!=true')).toHaveLength(4);
      const byName = await client.list(configMap, { signal, namespace, fieldSelector: 'metadata.name=listed-3' });
      expect(byName.items.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([['ConfigMap', 'listed-3']]);
    });

    test('watches from a list on, through the whole life of an object', async () => {
      const labels = { set: 'watched' };
      const { resourceVersion } = await client.list(configMap, { signal, namespace });
      const stop = newLifetime();
      const events: string[] = [];
      const watching = collect(
        client.watch(configMap, { signal: stop.signal, namespace, labelSelector: 'set=watched', resourceVersion }),
        (event) => {
          if (event.type !== 'BOOKMARK') events.push(`${event.type} ${JSON.stringify(event.object['data'])}`);
        },
      );
      await client.create(newMap('watched', { a: '1' }, labels), { signal });
      await client.create(newMap('unwatched', { a: '1' }), { signal });
      await client.patch(refTo('watched'), 'merge', { data: { a: '2' } }, { signal });
      // Leaving the selection is a deletion to who watches it.
      await client.patch(refTo('watched'), 'merge', { metadata: { labels: { set: null } } }, { signal });
      await expect
        .poll(() => events, { timeout: 5000 })
        .toEqual(['ADDED {"a":"1"}', 'MODIFIED {"a":"2"}', 'DELETED {"a":"2"}']);
      stop.abort();
      await watching;
    });

    test('an informer holds what the server holds', async () => {
      const informer = createInformer({
        client,
        kind: configMap,
        namespace,
        labelSelector: 'set=informed',
        logger: silentLogger,
      });
      const stop = newLifetime();
      const running = informer.run(stop.signal);
      for (let i = 0; i < 20; i++)
        await client.create(newMap(`informed-${i}`, { n: '0' }, { set: 'informed' }), { signal });
      for (let i = 0; i < 20; i += 2)
        await client.patch(refTo(`informed-${i}`), 'merge', { data: { n: '1' } }, { signal });
      for (let i = 0; i < 20; i += 5) await client.delete(refTo(`informed-${i}`), { signal });
      const { items } = await client.list(configMap, { signal, namespace, labelSelector: 'set=informed' });
      const want = new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
      const held = () =>
        new Map([...informer.cache.list()].map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
      await expect.poll(held, { timeout: 5000 }).toEqual(want);
      stop.abort();
      await running;
    });

    test('serves a new kind as soon as its definition is there, with its status apart', async () => {
      const group = `${namespace}.dev`;
      const kind = { apiVersion: `${group}/v1`, kind: 'Gadget' };
      await expect(client.list(kind, { signal })).rejects.toMatchObject({ code: 'KUBE_KIND_NOT_SERVED' });
      const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: `gadgets.${group}` };
      await client.create(gadgetDefinition(group), { signal });
      const established = async () => {
        const conditions = (await client.get(crd, { signal }))?.['status'] as {
          conditions?: { type: string; status: string }[];
        };
        return conditions?.conditions?.find(({ type }) => type === 'Established')?.status;
      };
      await expect.poll(established, { timeout: 10_000 }).toBe('True');
      const gadget = { ...kind, metadata: { name: 'one', namespace }, spec: { size: 1 }, status: { seen: 1 } };
      const created = await client.create<KubeObject>(gadget, { signal });
      expect(created['status']).toBeUndefined();
      expect(created.metadata.generation).toBe(1);
      const ref = { ...kind, name: 'one', namespace };
      const patched = await client.patch(
        ref,
        'merge',
        { status: { seen: 2 }, spec: { size: 9 } },
        { signal, subresource: 'status' },
      );
      expect(patched).toMatchObject({ spec: { size: 1 }, status: { seen: 2 }, metadata: { generation: 1 } });
      expect((await client.patch(ref, 'merge', { spec: { size: 2 } }, { signal })).metadata.generation).toBe(2);
      await client.delete(crd, { signal });
    });

    test('a finalizer holds an object until it is let go', async () => {
      const held = newMap('held');
      held.metadata.finalizers = ['millrace.dev/hold'];
      await client.create(held, { signal });
      expect(await client.delete(refTo('held'), { signal })).toBe(true);
      expect((await client.get(refTo('held'), { signal }))?.metadata.deletionTimestamp).toBeTruthy();
      await client.patch(refTo('held'), 'merge', { metadata: { finalizers: null } }, { signal });
      expect(await client.get(refTo('held'), { signal })).toBeUndefined();
    });

    test('gives tokens of ServiceAccounts for an audience', async () => {
      const metadata = { name: 'robot', namespace };
      await client.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, { signal });
      const request = { audiences: ['sts.amazonaws.com'], expirationSeconds: 3600 };
      const { token } = await client.requestToken(metadata, request, { signal });
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims).toMatchObject({ aud: ['sts.amazonaws.com'], sub: `system:serviceaccount:${namespace}:robot` });
      const missing = client.requestToken({ name: 'missing', namespace }, request, { signal });
      expect(await statusOf(missing)).toMatchObject({ code: 404 });
    });

    test('who is impersonated may do only what is granted', async () => {
      const nobody = client.impersonate('nobody-at-all', ['nothing']);
      const status = await statusOf(nobody.list(configMap, { signal, namespace }));
      expect(status).toMatchObject({ code: 403, reason: 'Forbidden' });
      expect(status?.message).toContain('User "nobody-at-all" cannot list resource "configmaps"');
    });
  });
}

async function collect<T extends KubeObject>(
  events: AsyncIterable<WatchEvent<T>>,
  add: (event: WatchEvent<T>) => void,
) {
  try {
    for await (const event of events) add(event);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

function gadgetDefinition(group: string): KubeObject {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gadgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}
