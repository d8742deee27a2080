import { describe, expect, test } from 'vitest';
import { runSuite } from './suite.ts';
import { suites } from './suites.ts';

describe('recorded behaviour of the real systems', () => {
  test.each(suites.map((suite) => [suite.file, suite] as const))('%s', { timeout: 120_000 }, async (file, suite) => {
    const results = await runSuite(suite);
    if (results === undefined) {
      console.warn(`skipped: ${file} is not on this machine`);
      return;
    }
    const failed = results.filter((result) => !result.passed).map((result) => result.id);
    expect(1 - failed.length / results.length, `failed: ${failed.join(', ')}`).toBeGreaterThanOrEqual(suite.bar);
  });
  test('the suites are listed once each', () => {
    expect(new Set(suites.map(({ file }) => file)).size).toBe(suites.length);
  });
});
