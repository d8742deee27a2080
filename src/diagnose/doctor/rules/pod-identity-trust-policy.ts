import { record, texts } from '../facts.ts';
import type { Rule } from '../rule.ts';

export const podIdentityTrustPolicy: Rule = {
  code: 'pod-identity-trust-policy',
  cause: 'The role does not trust pods.eks.amazonaws.com with both sts:AssumeRole and sts:TagSession.',
  fix: 'Trust the service pods.eks.amazonaws.com for sts:AssumeRole and sts:TagSession; a role that is chained needs both as well.',
  commands: ['aws iam get-role --role-name $ROLE --query Role.AssumeRolePolicyDocument'],
  says: [
    [/EKS does not have permissions to assume the associated role/i, 0.96],
    [/not authorized to perform:? ?sts:TagSession/i, 0.95],
    [/Trust policy of the role[^.]*pods\.eks\.amazonaws\.com/i, 0.9],
  ],
  shows: (facts) => {
    const policy = record(facts, 'trust_policy') ?? {};
    const lacks =
      policy['service'] === 'pods.eks.amazonaws.com' && !texts(policy['actions']).includes('sts:TagSession');
    return lacks ? 'the trust policy does not allow sts:TagSession' : undefined;
  },
  examples: [
    { symptom: 'Unauthorized Exception! EKS does not have permissions to assume the associated role.', found: true },
    { symptom: 'is not authorized to perform: sts:TagSession on resource: arn:aws:iam::1:role/x', found: true },
  ],
};
