import { expect, test } from 'vitest';
import { explainReports } from './examine.ts';

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
