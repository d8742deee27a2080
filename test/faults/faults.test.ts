import { describe, expect, test } from 'vitest';
import { practiceFaults } from '../../src/cli/up/faults/index.ts';
import { practise } from './practise.ts';

/** Some of every stage in the ordinary run; all of them by `npm run test:faults`, named ones by MILLRACE_TEST_FAULTS=code,code. */
const representative = new Set([
  'irsa-annotation-missing',
  'trust-policy-sub-mismatch',
  'ecr-action-missing',
  'tag-filter-no-match',
  'git-credentials-invalid',
  'git-branch-protected',
  'image-tag-not-found',
  'rbac-forbidden',
]);
const wanted = process.env['MILLRACE_TEST_FAULTS'];
const isAsked = (code: string) =>
  wanted === undefined ? representative.has(code) : wanted === 'all' || wanted.split(',').includes(code);
const faults = practiceFaults.filter(({ code }) => code !== 'none');

test('every fault has a code of its own, and there are enough to practise on', () => {
  expect(new Set(faults.map(({ code }) => code)).size).toBe(faults.length);
  expect(faults.length).toBeGreaterThanOrEqual(20);
});

describe('doctor names the fault first', () => {
  for (const fault of faults.filter(({ code }) => isAsked(code))) {
    test(fault.code, { timeout: 120_000 }, async () => {
      const { findings } = await practise(fault);
      expect(findings.map(({ code }) => code)[0]).toBe(fault.code);
    });
  }
});
