import { afterEach, beforeEach, expect, test } from 'vitest';
import { type KubeApiDouble, reply, startKubeApiDouble, status } from '../../test/support/kube-api.ts';
import { newLifetime } from '../base/deadline.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { type ConnectedKubeClient, createKubeClient } from './api-client.ts';
import { kubeStatusOf } from './status-error.ts';

const widget = { apiVersion: 'test.dev/v1', kind: 'Widget' };
const { signal } = newLifetime();
let api: KubeApiDouble;
let client: ConnectedKubeClient;

beforeEach(async () => {
  api = await startKubeApiDouble();
  client = createKubeClient(api.config, { pageSize: 2, requestTimeoutMs: 2000, userAgent: 'millrace/test' });
});
afterEach(async () => {
  await client.close();
  await api.stop();
});

const newWidget = (name: string, spec: unknown = {}): KubeObject => ({
  ...widget,
  metadata: { name, namespace: 'default' },
  spec,
});

test('creates, reads, replaces, patches and deletes', async () => {
  const created = await client.create(newWidget('one', { size: 1 }), { signal });
  expect(await client.get({ ...widget, namespace: 'default', name: 'one' }, { signal })).toEqual(created);
  const updated = await client.update({ ...created, spec: { size: 2 } }, { signal });
  await expect(client.update({ ...created, spec: { size: 3 } }, { signal })).rejects.toMatchObject({
    code: 'KUBE_CONFLICT',
  });
  const ref = { ...widget, namespace: 'default', name: 'one' };
  const patched = await client.patch(ref, 'merge', { spec: { colour: 'red' } }, { signal, fieldManager: 'tester' });
  expect(patched['spec']).toEqual({ size: 2, colour: 'red' });
  expect(patched.metadata.uid).toBe(updated.metadata.uid);
  const seen = api.seen.at(-1);
  expect(seen?.headers['content-type']).toBe('application/merge-patch+json');
  expect(seen?.query.get('fieldManager')).toBe('tester');
  expect(await client.delete(ref, { signal, propagation: 'Foreground', uid: 'u' })).toBe(true);
  expect(api.seen.at(-1)?.body).toMatchObject({ propagationPolicy: 'Foreground', preconditions: { uid: 'u' } });
  expect(await client.delete(ref, { signal })).toBe(false);
  expect(await client.get(ref, { signal })).toBeUndefined();
});

test('lists page by page and gives each item its kind', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) api.put({ name });
  const list = await client.list(widget, { signal, namespace: 'default' });
  expect(list.items.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(
    ['a', 'b', 'c', 'd', 'e'].map((name) => `Widget/${name}`),
  );
  expect(api.seen.filter(({ path }) => path.endsWith('/widgets'))).toHaveLength(3);
});

test('lists all at once when the snapshot of the pages is gone', async () => {
  for (const name of ['a', 'b', 'c']) api.put({ name });
  api.intercept = ({ query }, response) =>
    query.has('continue') && reply(response, 410, status(410, 'Expired', 'continue expired'));
  const list = await client.list(widget, { signal });
  expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
});

test('says so where a kind is not served, and finds it once it is', async () => {
  let served = false;
  api.intercept = ({ path }, response) =>
    path === '/apis/test.dev/v1' && !served && reply(response, 404, '404 page not found');
  await expect(client.list(widget, { signal })).rejects.toMatchObject({
    code: 'KUBE_KIND_NOT_SERVED',
    message: 'no matches for kind "Widget" in version "test.dev/v1"',
  });
  served = true;
  expect((await client.list(widget, { signal })).items).toEqual([]);
});

test('carries the answer of the server in the cause', async () => {
  const details = { kind: 'widgets', name: 'one', causes: [{ field: 'spec.size', message: 'must be a number' }] };
  api.intercept = ({ method }, response) =>
    method === 'POST' && reply(response, 422, { ...status(422, 'Invalid', 'Widget "one" is invalid'), details });
  const error = await client.create(newWidget('one'), { signal }).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: 'KUBE_INVALID', message: 'Widget "one" is invalid' });
  expect(kubeStatusOf(error)).toMatchObject({ code: 422, reason: 'Invalid', details });
});

test('waits out throttling', async () => {
  let answers = 0;
  api.intercept = ({ path }, response) =>
    path.endsWith('/widgets') &&
    ++answers <= 2 &&
    reply(response, 429, status(429, 'TooManyRequests', 'slow down'), { 'retry-after': '0' });
  expect((await client.list(widget, { signal })).items).toEqual([]);
  expect(answers).toBe(3);
});

test('a connection lost on the way is tried once more, where saying it twice does no harm', async () => {
  await client.list(widget, { signal });
  let lost = 0;
  api.intercept = ({ path }, response) => {
    if (!path.includes('/widgets') || lost++ % 2 === 1) return false;
    response.destroy();
    return true;
  };
  expect((await client.list(widget, { signal })).items).toEqual([]);
  await expect(client.create(newWidget('one'), { signal })).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  expect(lost).toBe(3);
});

test('no call outlasts its deadline', async () => {
  await client.list(widget, { signal });
  api.intercept = () => true;
  const slow = createKubeClient(api.config, { requestTimeoutMs: 100 });
  await expect(slow.list(widget, { signal })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await slow.close();
});

test('a credential plugin that hangs holds no call longer than its deadline', async () => {
  const args = ['-e', 'setTimeout(() => {}, 20_000)'];
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args, env: {} };
  const slow = createKubeClient({ ...api.config, credentials: { kind: 'exec', exec } }, { requestTimeoutMs: 200 });
  await expect(slow.list(widget, { signal })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await slow.close();
});

test('a caller that gives up gets its own reason', async () => {
  await client.list(widget, { signal });
  api.intercept = () => true;
  const abort = new AbortController();
  const call = client.list(widget, { signal: abort.signal });
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test('an unreachable server is named', async () => {
  await api.stop();
  await expect(client.list(widget, { signal })).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
  await api.listen();
});

test('impersonates with a header for each group', async () => {
  await client.impersonate('jane', ['a,b', 'c']).list(widget, { signal });
  const { headers } = api.seen.at(-1) ?? {};
  expect(headers?.['impersonate-user']).toBe('jane');
  expect(headers?.['impersonate-group']).toBe('a,b, c');
  expect(headers?.['user-agent']).toBe('millrace/test');
});

test('watches from a version on', async () => {
  api.put({ name: 'before' });
  const { resourceVersion } = await client.list(widget, { signal });
  api.put({ name: 'one', note: 'a word that is\nlonger than a line' });
  const stop = new AbortController();
  const got: string[] = [];
  for await (const event of client.watch(widget, { signal: stop.signal, resourceVersion })) {
    if (event.type === 'BOOKMARK') continue;
    got.push(`${event.type} ${event.object.metadata.name}`);
    if (got.length === 1) api.remove('one');
    if (got.length === 2) break;
  }
  expect(got).toEqual(['ADDED one', 'DELETED one']);
  await expect.poll(() => api.watchCount()).toBe(0);
});

test('a watch from a forgotten version throws KUBE_EXPIRED, at its start or later', async () => {
  api.put({ name: 'one' });
  api.compact();
  const read = async (resourceVersion: string) => {
    for await (const _ of client.watch(widget, { signal, resourceVersion }));
  };
  await expect(read('1')).rejects.toMatchObject({ code: 'KUBE_EXPIRED' });
  const reading = read('101');
  await expect.poll(() => api.watchCount()).toBe(1);
  api.cutWatches({ expired: true });
  await expect(reading).rejects.toMatchObject({ code: 'KUBE_EXPIRED' });
});
