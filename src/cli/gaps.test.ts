import { expect, test } from 'vitest';
import { formatGaps } from './gaps.ts';

test('permissions that one user lacks at one place are one line', () => {
  const gaps = ['pods', 'nodes'].map((resource) => ({
    what: `list ${resource}`,
    why: `jane may not list ${resource} at the cluster scope`,
  }));
  expect(formatGaps([...gaps, { what: 'log of a/b', why: 'gone' }])).toEqual([
    'could not look: jane may not, at the cluster scope: list pods, list nodes',
    'could not look: log of a/b: gone',
  ]);
});
