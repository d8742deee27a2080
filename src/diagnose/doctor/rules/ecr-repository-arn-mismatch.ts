import { ecrDenial, matchesPattern, statementsOn } from '../ecr.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { nodeCaller } from '../signs.ts';

export const ecrRepositoryArnMismatch: Rule = {
  code: 'ecr-repository-arn-mismatch',
  cause: 'A statement allows the action, but on other ARNs: the path, region or account does not match the repository.',
  fix: "Name the repository's own ARN, arn:aws:ecr:<region>:<account>:repository/<name>; * matches across / but not a missing prefix.",
  commands: [
    'millrace iam check --role $ROLE --image $IMAGE',
    `aws iam put-role-policy --role-name $ROLE --policy-name ecr-scan --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["$ACTION"],"Resource":["$REPOSITORY_ARN"]}]}'`,
  ],
  says: [
    [/not authorized to perform:? ?ecr:(?!GetAuthorizationToken)\w+/i, 0.5],
    [/no identity-based policy allows the ecr:(?!GetAuthorizationToken)\w+/i, 0.5],
    [/AccessDenied(Exception)?\)? when calling the (Describe|List|BatchGet|GetDownload)\w+ operation/i, 0.45],
  ],
  weigh,
  examples: [
    {
      symptom:
        'not authorized to perform: ecr:ListImages on resource: arn:aws:ecr:eu-west-1:111122223333:repository/zenler/mainapp because no identity-based policy allows the ecr:ListImages action',
      facts: {
        iam_statements: [{ actions: ['ecr:*'], resources: ['arn:aws:ecr:eu-west-1:111122223333:repository/apps/*'] }],
      },
      found: true,
    },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  const denial = ecrDenial(symptom);
  if (denial === undefined || denial.side === 'resource' || nodeCaller.test(symptom)) return because(0);
  const allowed = statementsOn(facts, denial);
  if (allowed === undefined) return because(confidence);
  if (!allowed.anywhere) return because(0.1);
  const { resource } = denial;
  if (resource !== undefined && allowed.resources.some((pattern) => matchesPattern(pattern, resource)))
    return because(0.2);
  return because(0.96, `${denial.action} is allowed on ${allowed.resources.join(', ')} only`);
}
