import { identityDesign, record, texts } from '../facts.ts';
import { because, type Facts, type Report, type Rule } from '../rule.ts';

export const podIdentityTrustPolicy: Rule = {
  code: 'pod-identity-trust-policy',
  cause: 'The role does not trust pods.eks.amazonaws.com with both sts:AssumeRole and sts:TagSession.',
  fix: 'Trust the service pods.eks.amazonaws.com for sts:AssumeRole and sts:TagSession; a role that is chained needs both as well.',
  commands: ['aws iam get-role --role-name $ROLE --query Role.AssumeRolePolicyDocument'],
  says: [
    [/EKS does not have permissions to assume the associated role/i, 0.96],
    [/not authorized to perform:? ?sts:TagSession/i, 0.95],
    [/not authorized to perform:? ?sts:AssumeRole\b/i, 0],
    [/trust policy[\s\S]*pods\.eks\.amazonaws\.com/i, 0.9],
  ],
  weigh,
  shows: sessionFault,
  examples: [
    { symptom: 'Unauthorized Exception! EKS does not have permissions to assume the associated role.', found: true },
    { symptom: 'is not authorized to perform: sts:TagSession on resource: arn:aws:iam::1:role/x', found: true },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const fault = sessionFault(facts);
  return fault === undefined ? because(confidence) : because(Math.max(confidence, 0.9), fault);
}

function sessionFault(facts: Facts): string | undefined {
  const policy = record(facts, 'trust_policy') ?? {};
  const isForPods = policy['service'] === 'pods.eks.amazonaws.com' || identityDesign(facts) === 'pod-identity';
  const lacks = isForPods && 'actions' in policy && !texts(policy['actions']).includes('sts:TagSession');
  return lacks ? 'the trust policy does not allow sts:TagSession' : undefined;
}
