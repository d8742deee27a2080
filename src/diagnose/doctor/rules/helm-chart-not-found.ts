import type { Rule } from '../rule.ts';

export const helmChartNotFound: Rule = {
  code: 'helm-chart-not-found',
  cause: 'The chart, the wanted version of it, or the index of its repository does not exist.',
  fix: 'Check the URL of the HelmRepository and that the chart has a version within the range.',
  commands: ['helm search repo $CHART --versions'],
  says: [
    [/no chart version found/i, 0.96],
    [/no chart name found/i, 0.95],
    [/failed to fetch \S*index\.yaml\s*:?\s*404/i, 0.95],
    [/index\.yaml[\s\S]*\b404\b/i, 0.92],
    [/failed to get chart version for remote reference/i, 0.94],
    [/chart "[^"]+"[\s\S]*not found/i, 0.9],
    [/invalid chart reference/i, 0.88],
  ],
  examples: [{ symptom: 'no chart version found for podinfo-9.x', found: true }],
};
