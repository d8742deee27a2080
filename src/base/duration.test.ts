import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

const cases: [string, number, string][] = [
  ['1m30s', 90_000, '1m30s'],
  ['1.5h', 5_400_000, '1h30m0s'],
  ['500ms', 500, '500ms'],
  ['5m', 300_000, '5m0s'],
  ['90s', 90_000, '1m30s'],
  ['0s', 0, '0s'],
  ['1500ms', 1500, '1.5s'],
];
test.each(cases)('%s is %d ms and prints as %s', (text, ms, printed) => {
  expect(parseDuration(text)).toBe(ms);
  expect(formatDuration(ms)).toBe(printed);
});

test.each(['', '5', '-1m', '1d', '1m ', '1us'])('%j is refused', (text) => {
  expect(() => parseDuration(text, 'spec.interval')).toThrow(/spec\.interval/);
});
