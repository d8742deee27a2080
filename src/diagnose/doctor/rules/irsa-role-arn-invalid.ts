import { annotatedRole, text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const irsaRoleArnInvalid: Rule = {
  code: 'irsa-role-arn-invalid',
  cause: 'The eks.amazonaws.com/role-arn annotation does not hold a valid role ARN.',
  fix: 'Write the whole ARN of the role, arn:aws:iam::<account>:role/<name>, into the annotation and restart the pod.',
  commands: [
    'kubectl -n $SA_NS annotate --overwrite serviceaccount $SA eks.amazonaws.com/role-arn=$RIGHT_ROLE_ARN',
    'kubectl -n $SA_NS rollout restart deployment $SA',
  ],
  says: [
    [/Invalid length for parameter RoleArn/i, 0.94],
    [/Request ARN is invalid/i, 0.95],
    [/(minimum field size|missing required field)[^.]*AssumeRole\w*Input\.RoleArn/i, 0.94],
    [/\barn: (not enough sections|invalid prefix)|(parse|invalid|malformed) (the )?(IAM )?role arn/i, 0.85],
    [/at 'roleArn' failed to satisfy constraint/i, 0.95],
    [/invalid eks\.amazonaws\.com\/role-arn annotation/i, 0.95],
    [/\barn is invalid\b/i, 0.8],
    [/sts:AssumeRoleWithWebIdentity|STS: AssumeRoleWithWebIdentity|no EC2 IMDS role found/i, 0],
  ],
  weigh,
  shows: (facts) => {
    const annotation = text(facts, 'sa_role_arn_annotation');
    if (annotation === undefined || annotation === '' || annotatedRole(facts) !== undefined) return undefined;
    return `the annotation holds '${annotation}'`;
  },
  examples: [
    { symptom: 'api error ValidationError: Request ARN is invalid', found: true },
    {
      symptom:
        "ValidationError: Value 'role/x' at 'roleArn' failed to satisfy constraint: Member must have length greater",
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const annotation = text(facts, 'sa_role_arn_annotation');
  if (annotation === undefined || annotation === '' || annotatedRole(facts) !== undefined) return because(confidence);
  return because(Math.max(confidence, 0.93), `the annotation holds '${annotation}'`);
}
