import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests of the whole program take longest: they begin first, so that no worker waits for another at the end. */
class WholeProgramFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isWhole = ({ moduleId }: TestSpecification) => /\/test\/(?:rehearse|e2e|contract)\//.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isWhole), ...sorted.filter((file) => !isWhole(file))];
  }
}

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
    // Rehearsals mostly wait for what does not come.
    maxConcurrency: 2,
    sequence: { sequencer: WholeProgramFirst },
  },
});
