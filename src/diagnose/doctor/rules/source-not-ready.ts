import { because, type Rule } from '../rule.ts';

export const sourceNotReady: Rule = {
  code: 'source-not-ready',
  cause: 'The source that the object names has no artifact yet, or does not exist.',
  fix: 'Look at the source first: its Ready condition says why it has no artifact.',
  commands: ['kubectl get gitrepositories,ocirepositories,helmcharts -A'],
  says: [
    [/Source artifact not found/i, 0.95],
    [/Source is not ready/i, 0.9],
    [/(HelmChart|GitRepository|OCIRepository|Bucket|HelmRepository|Source) '[^']+' (is )?not (ready|found)/i, 0.93],
    [/(GitRepository|OCIRepository|Bucket|HelmRepository|HelmChart)(\.\S+)? "[^"]+" not found/i, 0.93],
    [
      /\b(gitrepositories|ocirepositories|buckets|helmrepositories|helmcharts)\.source\.toolkit\.fluxcd\.io "[^"]+" not found/i,
      0.94,
    ],
    [/no artifact available for|NoSourceArtifact|could not get resource for include/i, 0.92],
    [/referenced git repository does not exist|waiting for source; artifact is missing/i, 0.92],
    [
      /(HelmChart|GitRepository|OCIRepository|Bucket|HelmRepository)( '[^']+')? (is )?not ready|(GitRepository|OCIRepository|Bucket|HelmRepository|HelmChart)( '[^']+')? has no artifact|waiting for (the )?artifact of/i,
      0.9,
    ],
    [/referenced ImageRepository does not exist/i, 0.8],
  ],
  weigh: (confidence, { symptom }) =>
    // It says why itself.
    because(
      /chart pull error|chart with version|no chart version/i.test(symptom) ? Math.min(confidence, 0.6) : confidence,
    ),
  shows: (facts) =>
    facts['source_exists'] === false || facts['source_ready'] === false
      ? 'the source is missing or not ready'
      : undefined,
  examples: [{ symptom: 'Source artifact not found, retrying in 30s', found: true }],
};
