import { because, type Report, type Rule } from '../rule.ts';

export const fluxDistributionPullFailed: Rule = {
  code: 'flux-distribution-pull-failed',
  cause: 'The operator cannot fetch the Flux distribution artifact.',
  fix: 'Let the operator reach the registry (and its blob host), give it a pull secret, or leave spec.distribution.artifact out to use the built-in manifests.',
  commands: ['kubectl get fluxinstances -A -o yaml'],
  says: [
    [/(version|distribution)[^.]*(match|found)[^.]*distribution|no match\w* version[^.]*distribution/i, 0.88],
    [/(pulling|fetching) artifact oci:\/\/[\s\S]*failed/i, 0.955],
    [/\b(40[134]|50\d)\b|MANIFEST_UNKNOWN|NAME_UNKNOWN|denied|unauthorized|not found/i, 0],
    [/extracting layer from artifact/i, 0.94],
    [/failed to (pull|fetch)[^.]*distribution/i, 0.9],
  ],
  weigh,
  examples: [
    { symptom: 'pulling artifact oci://ghcr.io/x/flux-operator-manifests:latest failed: 503', found: true },
    {
      symptom: 'pulling artifact oci://ghcr.io/x:latest failed: x509: certificate signed by unknown authority',
      found: false,
    },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  const isDistribution = 'distribution_artifact' in facts && facts['object_kind'] === 'FluxInstance';
  if (confidence === 0) return because(isDistribution ? 0.95 : 0);
  return because(/unknown authority/i.test(symptom) ? 0.8 : confidence);
}
