import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What is polled for comes when it comes: a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
    pool: 'forks',
    // Two cores is the smallest machine we promise; more workers only makes timing-sensitive waits flaky there.
    maxWorkers: 2,
  },
});
