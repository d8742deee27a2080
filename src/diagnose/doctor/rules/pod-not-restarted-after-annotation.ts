import { annotatedRole, identityDesign } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { nodeCaller, noPodIdentity } from '../signs.ts';

export const podNotRestartedAfterAnnotation: Rule = {
  code: 'pod-not-restarted-after-annotation',
  cause: 'The annotation is right, but the running pod was created before it and never got the role.',
  fix: 'Restart the pod: the webhook adds role and token only when a pod is created.',
  commands: ['kubectl -n $SA_NS rollout restart deployment $SA'],
  says: [
    // Millrace without anything injected asks for a token itself, which only the account of a single process may.
    [/cannot create resource "serviceaccounts\/token"/i, 0.35],
    [noPodIdentity, 0.45],
    [nodeCaller, 0.45],
    [/ec2imds: GetMetadata|request to EC2 IMDS failed/i, 0.4],
  ],
  weigh,
  shows: (facts) =>
    annotatedRole(facts) !== undefined &&
    facts['pod_env_aws_role_arn'] !== true &&
    facts['pod_older_than_annotation'] === true
      ? 'the pod is older than the annotation'
      : undefined,
  examples: [
    {
      symptom: 'no EC2 IMDS role found',
      facts: {
        identity_design: 'irsa',
        sa_role_arn_annotation: 'arn:aws:iam::111122223333:role/flux',
        pod_env_aws_role_arn: false,
        pod_older_than_annotation: true,
      },
      found: true,
    },
    { symptom: 'no EC2 IMDS role found', facts: { sa_role_arn_annotation: null }, found: false },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const design = identityDesign(facts);
  if (design === 'node-role' || design === 'pod-identity') return because(0);
  if (facts['pod_env_aws_role_arn'] === true) return because(0);
  const role = annotatedRole(facts);
  if (facts['pod_older_than_annotation'] === true) return because(0.97, 'the pod is older than the annotation');
  if (role === undefined) return because('sa_role_arn_annotation' in facts ? 0 : confidence);
  if (facts['pod_older_than_annotation'] === false) return because(0.4);
  return because(0.85, `the ServiceAccount names ${role}, the pod has no AWS_ROLE_ARN`);
}
