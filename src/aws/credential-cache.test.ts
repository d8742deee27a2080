import { expect, test } from 'vitest';
import { createCredentialCache } from './credential-cache.ts';

const signal = new AbortController().signal;

function movableClock() {
  let time = 0;
  const advance = (ms: number) => {
    time += ms;
  };
  return { now: () => time, advance };
}

test('a value serves for 80 % of its life, and is renewed in the background before', async () => {
  const clock = movableClock();
  const cache = createCredentialCache<number>({ clock });
  let loads = 0;
  const load = async () => ({ value: ++loads, expiresAt: clock.now() + 1000 });
  const get = () => cache.get('k', load, signal);
  expect(await get()).toBe(1);
  clock.advance(700);
  expect(await get()).toBe(1);
  clock.advance(30);
  expect(await get()).toBe(1);
  await new Promise(setImmediate);
  expect(await get()).toBe(2);
  clock.advance(801);
  expect(await get()).toBe(3);
});

test('the least recently used goes first, and a failure is not kept', async () => {
  const events: string[] = [];
  const cache = createCredentialCache<string>({ maxSize: 2, observe: (event) => events.push(event) });
  const get = (key: string) => cache.get(key, async () => ({ value: key }), signal);
  await get('a');
  await get('b');
  await get('a');
  await get('c');
  const loaded = ['miss', 'loaded', 'added'];
  expect(events).toEqual([...loaded, ...loaded, 'hit', ...loaded, 'removed', 'eviction']);
  await expect(cache.get('x', async () => Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  expect(events.slice(-2)).toEqual(['miss', 'failed']);
  expect(await cache.get('x', async () => ({ value: 'yes' }), signal)).toBe('yes');
});

test('one caller giving up does not end the load for the others', async () => {
  const cache = createCredentialCache<string>();
  let finish = () => {};
  const load = () =>
    new Promise<{ value: string }>((resolve) => {
      finish = () => resolve({ value: 'v' });
    });
  const impatient = new AbortController();
  const first = cache.get('k', load, impatient.signal);
  const second = cache.get('k', load, signal);
  impatient.abort(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  finish();
  expect(await second).toBe('v');
});
