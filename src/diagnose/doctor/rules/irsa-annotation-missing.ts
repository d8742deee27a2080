import { annotatedRole, identityDesign, isUnset, record } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { nodeCaller, noPodIdentity } from '../signs.ts';

export const irsaAnnotationMissing: Rule = {
  code: 'irsa-annotation-missing',
  cause:
    'The ServiceAccount has no eks.amazonaws.com/role-arn annotation, so the pod falls back to the identity of its node.',
  fix: 'Annotate the ServiceAccount with the role and restart the pods that use it: the webhook only acts when a pod is created.',
  commands: [
    'kubectl -n $SA_NS annotate serviceaccount $SA eks.amazonaws.com/role-arn=$ROLE_ARN',
    'kubectl -n $SA_NS rollout restart deployment $SA',
  ],
  says: [
    [noPodIdentity, 0.6],
    [nodeCaller, 0.55],
    [/ec2imds: GetMetadata|request to EC2 IMDS failed/i, 0.5],
    [/EC2Metadata[\s\S]*status code: 404/i, 0.6],
  ],
  weigh,
  shows: (facts) =>
    identityDesign(facts) === 'irsa' && isUnset(facts, 'sa_role_arn_annotation')
      ? 'the ServiceAccount has no role-arn annotation'
      : undefined,
  examples: [
    { symptom: 'no EC2 IMDS role found, operation error ec2imds: GetMetadata, canceled', found: true },
    {
      symptom: 'no EC2 IMDS role found, operation error ec2imds: GetMetadata, canceled',
      facts: { identity_design: 'irsa', sa_role_arn_annotation: null, pod_env_aws_role_arn: false },
      found: true,
    },
    { symptom: 'no EC2 IMDS role found', facts: { identity_design: 'node-role' }, found: false },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const design = identityDesign(facts);
  if (design === 'node-role' || design === 'pod-identity') return because(0);
  if (facts['cluster_is_eks'] === false) return because(0.3);
  const misspelt = Object.keys(record(facts, 'sa_annotations') ?? {}).find(isMisspeltKey);
  if (misspelt !== undefined) return because(0.97, `the annotation is called '${misspelt}'`);
  if (isUnset(facts, 'sa_role_arn_annotation')) return because(0.95, 'the ServiceAccount has no role-arn annotation');
  if (annotatedRole(facts) !== undefined) return because(0.1);
  if (facts['pod_env_aws_role_arn'] === true) return because(0.1);
  return because(confidence);
}

function isMisspeltKey(key: string): boolean {
  return key !== 'eks.amazonaws.com/role-arn' && /role-?arn|eks\.amazon/i.test(key) && /role/i.test(key);
}
