import { because, type Report, type Rule } from '../rule.ts';

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
    [/chart pull error[\s\S]*\b404\b|is not a valid chart repository|no '[^']+' chart with version matching/i, 0.92],
    [/\/helmchart[\w-]*\/\S*: no such file or directory/i, 0.88],
  ],
  weigh,
  examples: [{ symptom: 'no chart version found for podinfo-9.x', found: true }],
};

/** A chart that may not be read, or not be reached, is there for all that. */
function weigh(confidence: number, { symptom }: Report) {
  const isRefused = /\b40[13]\b|unauthorized|forbidden|denied|basic auth|dial tcp|x509/i.test(symptom);
  return because(isRefused && !/\b404\b/.test(symptom) ? Math.min(confidence, 0.6) : confidence);
}
