import { identityDesign, record, text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { nodeCaller, noPodIdentity } from '../signs.ts';

export const podIdentityAssociationMissing: Rule = {
  code: 'pod-identity-association-missing',
  cause:
    'EKS Pod Identity is intended, but no association names this namespace and ServiceAccount, so the pod got no credentials.',
  fix: 'Create the association for exactly this namespace and ServiceAccount, then restart the pod.',
  commands: [
    'aws eks create-pod-identity-association --cluster-name $CLUSTER --namespace $SA_NS --service-account $SA --role-arn $ROLE_ARN',
    'kubectl -n $SA_NS rollout restart deployment $SA',
  ],
  says: [
    [/No pod identity association found/i, 0.95],
    [noPodIdentity, 0.35],
    [nodeCaller, 0.35],
    [/request to EC2 IMDS failed|ec2imds/i, 0.3],
  ],
  weigh,
  shows: (facts) =>
    identityDesign(facts) === 'pod-identity' && facts['pod_identity_association'] === null
      ? 'no Pod Identity association was found'
      : undefined,
  examples: [
    {
      symptom: 'no EC2 IMDS role found',
      facts: {
        identity_design: 'pod-identity',
        pod_identity_association: null,
        pod_env_container_credentials_uri: false,
      },
      found: true,
    },
    { symptom: 'no EC2 IMDS role found', facts: { identity_design: 'irsa' }, found: false },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const design = identityDesign(facts);
  if (design !== undefined && design !== 'pod-identity') return because(0);
  if (facts['pod_env_container_credentials_uri'] === true) return because(0.1);
  if (design === undefined) return because(facts['pod_identity_association'] === null ? 0.8 : confidence);
  const association = record(facts, 'pod_identity_association');
  if (association === undefined) return because(0.95, 'no Pod Identity association was found');
  const where = `${text(association, 'namespace')}/${text(association, 'service_account')}`;
  return because(0.95, `the association is for ${where}`);
}
