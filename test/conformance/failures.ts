import { diagnoseReport } from '../../src/diagnose/doctor/diagnose.ts';
import type { CaseResult, Suite } from './suite.ts';

interface FailureCase {
  id: string;
  symptom: string;
  component?: string;
  context?: Record<string, unknown>;
  cause_code: string;
  also_accept?: string[];
}

function check(
  { id, symptom, component, cause_code, also_accept = [] }: FailureCase,
  facts: object,
  area: string,
): CaseResult {
  const first = diagnoseReport({ symptom, component, facts: { ...facts } })[0]?.code ?? 'none';
  const passed = first === cause_code || also_accept.includes(first);
  return {
    id,
    area,
    passed,
    detail: `wanted ${cause_code}, found ${first}: ${symptom.slice(0, 200)} ${JSON.stringify(facts)}`,
  };
}

/** Reports with the facts that were recorded beside them: `cause_code` must be the first finding (spec/failure-codes.md). */
export const failures: Suite = {
  file: 'failures.json',
  bar: 0.95,
  run: async (data) =>
    (data as FailureCase[]).map((report) =>
      check(report, report.context ?? {}, report.cause_code === 'none' ? 'healthy' : 'with context'),
    ),
};

/** The same from the bare line. Several causes share one message, so only what the line alone decides can pass. */
export async function scoreBareLines(data: unknown): Promise<CaseResult[]> {
  return (data as FailureCase[]).map((report) => check(report, {}, 'bare line'));
}
