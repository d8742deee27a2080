import { expect, test } from 'vitest';
import { sleep, withDeadline } from './deadline.ts';

test('work that is too slow fails with DEADLINE_EXCEEDED and is aborted', async () => {
  const parent = new AbortController();
  let aborted = false;
  const work = withDeadline(parent.signal, 10, 'the scan', (signal) => {
    signal.addEventListener('abort', () => {
      aborted = true;
    });
    return sleep(10_000, signal);
  });
  await expect(work).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(aborted).toBe(true);
});

test('a time longer than any timer is a long time', async () => {
  const parent = new AbortController();
  expect(await withDeadline(parent.signal, 2 ** 40, 'x', async (signal) => sleep(20, signal).then(() => 'done'))).toBe(
    'done',
  );
});

test("the parent's abort reason reaches the caller", async () => {
  const parent = new AbortController();
  const work = withDeadline(parent.signal, 10_000, 'x', (signal) => sleep(10_000, signal));
  parent.abort(new Error('stopped'));
  await expect(work).rejects.toThrow('stopped');
});
