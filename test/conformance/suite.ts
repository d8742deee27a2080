import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the recorded cases are: beside the project, not part of it. */
export const conformanceDir = join('..', 'shared', 'conformance');

export interface CaseResult {
  id: string;
  area: string;
  passed: boolean;
  /** What differed, in a line or a few. */
  detail?: string;
}

/** One file of recorded cases and how to run them. */
export interface Suite {
  file: string;
  /** The share of cases that must pass, 0 to 1; the test and the score command fail below it. */
  bar: number;
  run(data: unknown): Promise<CaseResult[]>;
}

/** The results of a suite, or undefined where its file is not on this machine. */
export async function runSuite(suite: Suite): Promise<CaseResult[] | undefined> {
  const path = join(conformanceDir, suite.file);
  if (!existsSync(path)) return undefined;
  return suite.run(JSON.parse(await readFile(path, 'utf8')));
}
