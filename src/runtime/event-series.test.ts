import { expect, test } from 'vitest';
import { createEventSeries } from './event-series.ts';

const occurrence = (message: string, at = 0) => ({ source: 'Widget/a', type: 'Normal', reason: 'Done', message, at });

test('equal events are counted', () => {
  const series = createEventSeries();
  const counts = [0, 10, 20].map((at) => series.place(occurrence('same', at))?.record.count);
  expect(counts).toEqual([1, 2, 3]);
  expect(series.place(occurrence('other', 30))?.record.count).toBe(1);
});

test('many different messages become one', () => {
  const series = createEventSeries();
  const places = Array.from({ length: 12 }, (_, i) => series.place(occurrence(`message ${i}`)));
  expect(places[8]?.message).toBe('message 8');
  expect(places.slice(9).map((place) => place?.message)).toEqual([
    '(combined from similar events): message 9',
    '(combined from similar events): message 10',
    '(combined from similar events): message 11',
  ]);
  expect(places.at(-1)?.record.count).toBe(3);
});

test('an object that talks without end is cut short, others are not', () => {
  const series = createEventSeries();
  const places = Array.from({ length: 40 }, () => series.place(occurrence('same')));
  expect(places.filter((place) => place !== undefined)).toHaveLength(25);
  expect(series.place({ ...occurrence('same'), source: 'Widget/b' })).toBeDefined();
  expect(series.place(occurrence('same', 5 * 60_000))).toBeDefined();
  expect(series.place(occurrence('same', 5 * 60_000))).toBeUndefined();
});
