import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../../base/kube-object.ts';
import { openStore } from './store.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-store-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const object = (name: string, value = '', namespace = 'default'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { value },
});

const names = (objects: KubeObject[]) => objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);

test('keeps objects in the order of their keys, by namespace or all', async () => {
  const store = await openStore(dir);
  for (const one of [object('b'), object('a'), object('c', '', 'another'), object('B')]) store.put('/configmaps', one);
  expect(names(store.list('/configmaps'))).toEqual(['another/c', 'default/B', 'default/a', 'default/b']);
  expect(names(store.list('/configmaps', 'default'))).toEqual(['default/B', 'default/a', 'default/b']);
  expect(store.list('/secrets')).toEqual([]);
  await store.close();
});

test('a restart has the same objects and counts revisions on', async () => {
  const first = await openStore(dir);
  first.put('/configmaps', object('a', '1'));
  const changed = first.put('/configmaps', object('a', '2'));
  const gone = first.put('/configmaps', object('gone'));
  first.remove('/configmaps', gone);
  const { revision } = { revision: first.revision() };
  await first.close();
  const second = await openStore(dir);
  expect(second.revision()).toBe(revision);
  expect(second.list('/configmaps')).toEqual([changed]);
  expect(second.put('/configmaps', object('b')).metadata.resourceVersion).toBe(String(revision + 1));
  await second.close();
});

test('a journal that was cut off anywhere has every write before the cut', async () => {
  const store = await openStore(dir);
  for (let index = 0; index < 20; index++) store.put('/configmaps', object(`o${index}`, 'x'.repeat(index)));
  const [name = ''] = readdirSync(dir);
  const log = readFileSync(join(dir, name));
  await store.close();
  for (let cut = log.length; cut > 0; cut -= 37) {
    for (const file of readdirSync(dir)) rmSync(join(dir, file));
    writeFileSync(join(dir, name), log);
    truncateSync(join(dir, name), cut);
    const whole = log.subarray(0, cut).toString().split('\n').slice(0, -1).length;
    const reopened = await openStore(dir);
    const count = reopened.list('/configmaps').length;
    // The last line may be complete without its line end.
    expect([whole, whole + 1]).toContain(count);
    reopened.put('/configmaps', object('after'));
    await reopened.close();
    const again = await openStore(dir);
    expect(again.list('/configmaps')).toHaveLength(count + 1);
    await again.close();
  }
});

test('a snapshot that was not finished does not count', async () => {
  const store = await openStore(dir);
  store.put('/configmaps', object('a'));
  await store.close();
  appendFileSync(join(dir, '9.snapshot.partial'), '{"op":"put"');
  const reopened = await openStore(dir);
  expect(names(reopened.list('/configmaps'))).toEqual(['default/a']);
  await reopened.close();
});

test('the journal is rewritten when it has grown, and nothing is lost', async () => {
  const store = await openStore(dir);
  const filler = 'x'.repeat(100_000);
  for (let index = 0; index < 400; index++) store.put('/configmaps', object(`o${index % 5}`, `${index}${filler}`));
  await store.close();
  const bytes = readdirSync(dir).reduce((sum, file) => sum + readFileSync(join(dir, file)).length, 0);
  expect(bytes).toBeLessThan(30_000_000);
  const reopened = await openStore(dir);
  expect(reopened.list('/configmaps').map(({ data }) => (data as { value: string }).value.slice(0, 3))).toEqual([
    '395',
    '396',
    '397',
    '398',
    '399',
  ]);
  await reopened.close();
});

test('watchers hear changes, and learn when some are forgotten', async () => {
  const store = await openStore(dir);
  const heard: string[] = [];
  const stop = store.subscribe('/configmaps', ({ type, object: { metadata } }) =>
    heard.push(`${type} ${metadata.name}`),
  );
  const first = store.put('/configmaps', object('a'));
  store.put('/configmaps', object('a', 'changed'));
  store.remove('/configmaps', first);
  stop();
  store.put('/configmaps', object('unheard'));
  expect(heard).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
  const since = (revision: number) => store.changesSince('/configmaps', revision)?.map(({ type }) => type);
  expect(since(1)).toEqual(['MODIFIED', 'DELETED', 'ADDED']);
  expect(since(store.revision())).toEqual([]);
  store.forgetHistory();
  expect(since(1)).toBeUndefined();
  await store.close();
});

test('dependants are found by the uid of their owner', async () => {
  const store = await openStore(dir);
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'u1' }];
  const owned = store.put('/configmaps', { ...object('owned'), metadata: { name: 'owned', ownerReferences } });
  expect(store.dependants('u1').map((one) => one.object)).toEqual([owned]);
  store.put('/configmaps', { ...owned, metadata: { name: 'owned' } });
  expect(store.dependants('u1')).toEqual([]);
  await store.close();
});
