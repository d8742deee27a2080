import { because, type Report, type Rule } from '../rule.ts';
import { trustRefused } from '../signs.ts';
import { trustDiff, trustFault } from '../trust.ts';

export const trustPolicySubMismatch: Rule = {
  code: 'trust-policy-sub-mismatch',
  cause:
    "The role's trust policy does not match the token's subject: another namespace or ServiceAccount, or a wildcard under StringEquals.",
  fix: 'Set the :sub condition to system:serviceaccount:<namespace>:<name> of the ServiceAccount that calls; a wildcard needs StringLike.',
  commands: [
    'millrace iam trust --account $ACCOUNT --issuer $ISSUER',
    'aws iam get-role --role-name $ROLE --query Role.AssumeRolePolicyDocument',
  ],
  diff: ({ facts }) => trustDiff(facts),
  says: [
    [trustRefused, 0.7],
    [/\bsts[.:]|AssumeRole|GetCallerIdentity|WebIdentityErr|retrieve credentials/i, 0],
  ],
  weigh,
  shows: (facts) => {
    const found = trustFault(facts);
    return found?.fault === 'sub' ? found.evidence : undefined;
  },
  examples: [
    { symptom: 'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity', found: true },
    {
      symptom: 'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity',
      facts: {
        token_sub: 'system:serviceaccount:flux-system:a',
        trust_policy: { operator: 'StringEquals', sub: 'system:serviceaccount:flux-system:*' },
      },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const found = trustFault(facts);
  if (found === undefined) return because(confidence);
  return found.fault === 'sub' ? because(0.95, found.evidence) : because(0.2);
}
