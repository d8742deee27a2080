import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWorkQueue } from './work-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const newQueue = (onAgain?: (key: string) => void) =>
  createWorkQueue({ onReady() {}, ...(onAgain === undefined ? {} : { onAgain }) });

test('a key waits once, and in order', () => {
  const queue = newQueue();
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(['a', 'b', 'c', undefined]);
});

test('a key in work is not handed out, and comes back when it was added meanwhile', () => {
  const again: string[] = [];
  const queue = newQueue((key) => again.push(key));
  queue.add('a');
  expect(queue.take()).toBe('a');
  queue.add('a');
  queue.add('a');
  expect(again).toEqual(['a', 'a']);
  expect(queue.take()).toBeUndefined();
  queue.finish('a', 'ok');
  expect(queue.take()).toBe('a');
  queue.finish('a', 'ok');
  expect(queue.take()).toBeUndefined();
  expect(queue.busy()).toBe(0);
});

test('what a person asked for goes first, even when it waits already', () => {
  const queue = newQueue();
  for (const key of ['a', 'b', 'c']) queue.add(key);
  queue.add('c', { urgent: true });
  queue.add('d', { urgent: true });
  expect([queue.take(), queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
    'c',
    'd',
    'a',
    'b',
    undefined,
  ]);
});

test('an urgent key that is in work comes back urgent', () => {
  const queue = newQueue();
  queue.add('a');
  queue.take();
  queue.add('b');
  queue.add('a', { urgent: true });
  queue.finish('a', 'ok');
  expect(queue.take()).toBe('a');
});

test('an appointment gives way to the next one and to work', () => {
  const queue = newQueue();
  queue.addAfter('a', 1000);
  queue.addAfter('a', 5000);
  vi.advanceTimersByTime(4999);
  expect(queue.take()).toBeUndefined();
  vi.advanceTimersByTime(1);
  expect(queue.take()).toBe('a');
  queue.finish('a', 'ok');
  queue.addAfter('a', 1000);
  queue.add('a');
  expect(queue.take()).toBe('a');
  queue.finish('a', 'ok');
  vi.advanceTimersByTime(10_000);
  expect(queue.take()).toBeUndefined();
});

test('failures back off from 750 ms to 15 minutes, success forgets them', () => {
  const queue = newQueue();
  const delayAfterFailure = () => {
    const start = Date.now();
    queue.finish('a', 'failed');
    while (queue.take() === undefined) vi.advanceTimersByTime(10);
    return Date.now() - start;
  };
  queue.add('a');
  queue.take();
  const delays = Array.from({ length: 13 }, delayAfterFailure);
  for (const [i, delay] of delays.entries()) {
    const full = Math.min(750 * 2 ** i, 900_000);
    expect(delay).toBeGreaterThanOrEqual(full * 0.9 - 10);
    expect(delay).toBeLessThanOrEqual(full + 10);
  }
  queue.finish('a', 'ok');
  queue.add('a');
  queue.take();
  expect(delayAfterFailure()).toBeLessThanOrEqual(760);
});

test('a failing key waits at least as long as the service asked', () => {
  const queue = newQueue();
  queue.add('a');
  queue.take();
  queue.finish('a', 'failed', 30_000);
  vi.advanceTimersByTime(29_000);
  expect(queue.take()).toBeUndefined();
  vi.advanceTimersByTime(1000);
  expect(queue.take()).toBe('a');
});

test('a closed queue drops what waits and lets work end', () => {
  const queue = newQueue();
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 10);
  queue.take();
  queue.close();
  queue.add('d');
  queue.finish('a', 'failed');
  vi.advanceTimersByTime(60_000);
  expect(queue.take()).toBeUndefined();
  expect(queue.busy()).toBe(0);
});
