import { type CaseResult, runSuite } from './suite.ts';
import { suites } from './suites.ts';

/** `npm run conformance [-- FILE] [-- --failures]`: the score by file and area; exit 1 where a bar is missed. */
const args = process.argv.slice(2);
const showFailures = args.includes('--failures');
const only = args.find((argument) => !argument.startsWith('--'));

function printScore(label: string, results: CaseResult[]): void {
  const passed = results.filter((result) => result.passed).length;
  const percent = ((100 * passed) / results.length).toFixed(1);
  console.log(
    `${label.padEnd(44)} ${String(passed).padStart(5)} / ${String(results.length).padEnd(5)} ${percent.padStart(6)} %`,
  );
}

for (const suite of suites.filter(({ file }) => only === undefined || file.startsWith(only))) {
  const results = await runSuite(suite);
  if (results === undefined) {
    console.log(`${suite.file}: skipped, the recorded cases are not on this machine`);
    continue;
  }
  printScore(suite.file, results);
  for (const area of [...new Set(results.map((result) => result.area))].sort()) {
    printScore(
      `  ${area}`,
      results.filter((result) => result.area === area),
    );
  }
  for (const { id, detail } of results.filter(({ passed }) => showFailures && !passed)) {
    console.log(`\n--- ${id}\n${detail ?? 'differs'}`);
  }
  const share = results.filter((result) => result.passed).length / results.length;
  if (share < suite.bar) {
    console.log(`${suite.file}: below its bar of ${(100 * suite.bar).toFixed(1)} %`);
    process.exitCode = 1;
  }
}
