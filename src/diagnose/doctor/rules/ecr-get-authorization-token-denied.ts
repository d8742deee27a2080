import { annotatedRole, identityDesign } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { nodeCaller } from '../signs.ts';

export const ecrGetAuthorizationTokenDenied: Rule = {
  code: 'ecr-get-authorization-token-denied',
  cause: 'The role may not log in to ECR: ecr:GetAuthorizationToken is missing, scoped to a repository, or denied.',
  fix: 'Allow ecr:GetAuthorizationToken on the resource "*"; the action knows no narrower resource.',
  commands: [
    'millrace iam check --role $ROLE',
    `aws iam put-role-policy --role-name $ROLE --policy-name ecr-login --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"}]}'`,
  ],
  says: [
    [/not authorized to perform:? ?sts:GetServiceBearerToken/i, 0.9],
    [/not authorized to perform:? ?ecr-public:GetAuthorizationToken/i, 0.93],
    [/not authorized to perform:? ?ecr:GetAuthorizationToken/i, 0.94],
    [/AccessDenied(Exception)?\)? when calling the GetAuthorizationToken operation/i, 0.92],
    [/GetAuthorizationToken[\s\S]*AccessDeniedException/i, 0.85],
  ],
  weigh,
  examples: [
    {
      symptom:
        'User: arn:aws:sts::111122223333:assumed-role/flux-ecr/x is not authorized to perform: ecr:GetAuthorizationToken on resource: *',
      found: true,
    },
    {
      symptom:
        'User: arn:aws:sts::1:assumed-role/node/i-0abc123def4567890 is not authorized to perform: ecr:GetAuthorizationToken',
      facts: { identity_design: 'irsa', sa_role_arn_annotation: null },
      found: false,
    },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  if (!nodeCaller.test(symptom)) return because(confidence);
  // The node's role answered: whether it may log in matters only where it was meant to.
  if (identityDesign(facts) === 'node-role') return because(confidence, 'the caller is the node');
  return because(annotatedRole(facts) === undefined ? 0.4 : 0.3, 'the caller is the node, not a role of the pod');
}
