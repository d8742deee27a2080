import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type FailureCode, failureGroups } from './codes.ts';
import { diagnoseReport } from './diagnose.ts';
import type { Report } from './rule.ts';
import { rules } from './rules/index.ts';

describe('the examples of every rule', () => {
  for (const rule of rules) {
    test.each(rule.examples)(`${rule.code}: $symptom`, ({ symptom, facts = {}, component, found }) => {
      const first = diagnoseReport({ symptom, facts, component })[0]?.code;
      if (found) expect(first).toBe(rule.code);
      else expect(first).not.toBe(rule.code);
    });
  }
});

test('every code has one rule', () => {
  const codes = Object.values(failureGroups).flat() as FailureCode[];
  expect(rules.map(({ code }) => code)).toEqual(codes);
});

interface Wording extends Omit<Report, 'facts'> {
  code: FailureCode | 'none';
  facts?: Report['facts'];
  /** Codes that a careful reader may give as well. */
  also?: string[];
}

/** What the programs of a delivery say, in the words of many versions; one line a test would be slow to report. */
test('every wording has its cause', () => {
  const lines = readFileSync(new URL('./testdata/wordings.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const wrong = lines.flatMap((line) => {
    const { code, also = [], facts = {}, ...report }: Wording = JSON.parse(line);
    const found = diagnoseReport({ ...report, facts })[0]?.code ?? 'none';
    return found === code || also.includes(found) ? [] : [`${report.symptom}: ${found}, not ${code}`];
  });
  expect(wrong).toEqual([]);
});

test.each([
  'Reconciliation finished in 412.3ms, next run in 10m0s',
  'repository up-to-date',
  'Operation cannot be fulfilled on kustomizations: the object has been modified; please apply your changes to the latest version and try again',
  'successful scan: found 12 tags with checksum 123',
  'lrwxrwxrwx 1 root 1337 12 Oct 27 19:49 token -> ..data/token',
])('nothing is wrong: %s', (symptom) => expect(diagnoseReport({ symptom, facts: {} })).toEqual([]));

test('secrets in a quoted line are not repeated', () => {
  const [finding] = diagnoseReport({
    symptom: "Authentication failed for 'https://u:hunter2@example.com/x.git'",
    facts: {},
  });
  expect(JSON.stringify(finding)).not.toContain('hunter2');
});
