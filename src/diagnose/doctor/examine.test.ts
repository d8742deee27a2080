import { expect, test } from 'vitest';
import { explainReports } from './examine.ts';
import { weighByChecks } from './live.ts';

const denied = {
  object: 'ImageRepository/flux-system/mainapp',
  component: 'image-reflector-controller',
  symptom: 'scan failed: InvalidIdentityToken: No OpenIDConnect provider found in your account for https://x',
  facts: {},
};

test('several objects with one cause are one finding, and what follows from it is folded', () => {
  const { findings, unexplained } = explainReports([
    { object: 'Kustomization/flux-system/apps', symptom: 'Source artifact not found, retrying in 30s', facts: {} },
    denied,
    { ...denied, object: 'ImageRepository/flux-system/other' },
    { object: 'ImagePolicy/flux-system/mainapp', symptom: 'retrying in 30s error: no tags in database', facts: {} },
  ]);
  expect(findings.map(({ code }) => code)).toEqual(['oidc-provider-missing']);
  expect(findings[0]?.objects).toEqual(['ImageRepository/flux-system/mainapp', 'ImageRepository/flux-system/other']);
  expect(findings[0]?.consequences).toHaveLength(2);
  expect(unexplained).toEqual([]);
});

test('what no rule knows is passed on as it is', () => {
  const { findings, unexplained } = explainReports([{ object: 'Bucket/a/b', symptom: 'the moon is full', facts: {} }]);
  expect(findings).toEqual([]);
  expect(unexplained).toEqual([{ object: 'Bucket/a/b', message: 'the moon is full' }]);
});

const check = (number: number, verdict: 'pass' | 'fail', more: object = {}) => ({
  number,
  name: `check ${number}`,
  verdict,
  evidence: `${number} was tried`,
  ...more,
});

test('what verify has tried is evidence: a refusal makes a cause surer, and one of this machine is none', () => {
  const live = (symptom: string) => ({
    ...denied,
    object: 'check 14 of verify',
    symptom,
    evidence: 'verify 14: refused',
  });
  const { findings } = explainReports(
    [denied],
    [live(denied.symptom), live('Post "https://sts.eu-west-1.amazonaws.com/": dial tcp 1.2.3.4:443: i/o timeout')],
  );
  expect(findings.map(({ code }) => code)).toEqual(['oidc-provider-missing']);
  expect(findings[0]?.evidence).toContain('verify 14: refused');
});

test('a check decides its cause itself where no service has said anything', () => {
  const report = {
    ...denied,
    symptom: 'the pod is older',
    evidence: 'verify 6',
    cause: 'pod-not-restarted-after-annotation' as const,
  };
  expect(explainReports([], [report]).findings).toMatchObject([{ code: report.cause, evidence: ['verify 6'] }]);
});

test('a link that holds by now lowers the confidence in an older complaint, and says so', () => {
  const { findings } = explainReports([denied]);
  const before = findings[0]?.confidence ?? 0;
  weighByChecks(findings, [check(14, 'fail')]);
  expect(findings[0]?.confidence).toBe(before);
  weighByChecks(findings, [check(14, 'pass')]);
  expect(findings[0]?.confidence).toBeLessThan(before);
  expect(findings[0]?.evidence.at(-1)).toContain('14 was tried');
});
