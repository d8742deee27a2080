import { substitute } from '../../src/kustomize/substitute.ts';
import type { CaseResult, Suite } from './suite.ts';

interface SubstitutionFile {
  standardVars: Record<string, string>;
  cases: SubstitutionCase[];
}

interface SubstitutionCase {
  id: string;
  input: string;
  vars: Record<string, string> | 'standard';
  strict: boolean;
  expected: { text: string } | { error: true; message: string };
}

export const substitutionSuite: Suite = {
  file: 'substitution.json',
  bar: 1,
  async run(data) {
    const { standardVars, cases } = data as SubstitutionFile;
    return cases.map((one) => runCase(one, one.vars === 'standard' ? standardVars : one.vars));
  },
};

function runCase({ id, input, strict, expected }: SubstitutionCase, vars: Record<string, string>): CaseResult {
  const got = attempt(() => substitute(input, vars, { strict }));
  const passed = 'error' in expected ? 'error' in got : 'text' in got && got.text === expected.text;
  return {
    id,
    area: strict ? 'strict' : 'lenient',
    passed,
    detail: `${input}\n${JSON.stringify(got)}\nwanted\n${JSON.stringify(expected)}`,
  };
}

function attempt(work: () => string): { text: string } | { error: string } {
  try {
    return { text: work() };
  } catch (error) {
    return { error: String(error) };
  }
}
