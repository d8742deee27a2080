import { because, type Report, type Rule } from '../rule.ts';
import { trustRefused } from '../signs.ts';
import { trustDiff, trustFault } from '../trust.ts';

export const trustPolicyProviderMismatch: Rule = {
  code: 'trust-policy-provider-mismatch',
  cause:
    "The trust policy's Federated principal is not the identity provider of this cluster, in the account of the role.",
  fix: "Name the provider of the cluster's issuer as the Federated principal, and use the same issuer in the condition keys.",
  commands: [
    'millrace iam trust --account $ACCOUNT --issuer $ISSUER',
    'aws iam get-role --role-name $ROLE --query Role.AssumeRolePolicyDocument',
  ],
  diff: ({ facts }) => trustDiff(facts),
  says: [[trustRefused, 0.4]],
  weigh,
  shows: (facts) => {
    const found = trustFault(facts);
    return found?.fault === 'provider' ? found.evidence : undefined;
  },
  examples: [
    {
      symptom: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
      facts: {
        oidc_issuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/NEW',
        trust_policy: { federated: 'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/OLD' },
      },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const found = trustFault(facts);
  if (found === undefined) return because(confidence);
  return found.fault === 'provider' ? because(0.96, found.evidence) : because(0.2);
}
