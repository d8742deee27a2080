import { ecrDenial, isForeignAccount, statementsOn } from '../ecr.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { nodeCaller } from '../signs.ts';

export const ecrActionMissing: Rule = {
  code: 'ecr-action-missing',
  cause: 'The action is in no statement of the role. A tag scan needs ecr:ListImages, which pull-only policies lack.',
  fix: 'Add the action that the message names for the repository: ecr:ListImages to scan, ecr:BatchGetImage for digests and pulls.',
  commands: [
    'millrace iam check --role $ROLE --image $IMAGE',
    `aws iam put-role-policy --role-name $ROLE --policy-name ecr-scan --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["$ACTION"],"Resource":["$REPOSITORY_ARN"]}]}'`,
  ],
  says: [
    [/no identity-based policy allows the ecr:(?!GetAuthorizationToken)\w+/i, 0.75],
    [/not authorized to perform:? ?ecr:(?!GetAuthorizationToken)\w+/i, 0.6],
    [/^(?=[\s\S]*?chart)(?=[\s\S]*?\.dkr[.-]ecr)[\s\S]*?\b403\b/i, 0.5],
    [/AccessDenied(Exception)?\)? when calling the (Describe|List|BatchGet|GetDownload)\w+ operation/i, 0.5],
  ],
  weigh,
  examples: [
    {
      symptom: 'not authorized to perform: ecr:ListImages on resource: arn:aws:ecr:eu-west-1:111122223333:repository/a',
      facts: { iam_statements: [{ actions: ['ecr:BatchGetImage'], resources: ['*'] }] },
      found: true,
    },
    {
      symptom:
        'not authorized to perform: ecr:ListImages because no resource-based policy allows the ecr:ListImages action',
      found: false,
    },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  const denial = ecrDenial(symptom);
  // ECR says no more than 403 to who is known and may not.
  if (denial === undefined) return because(isForeignAccount(facts, symptom) ? 0 : confidence);
  if (denial.side === 'resource') return because(0);
  if (nodeCaller.test(symptom)) return because(facts['identity_design'] === 'node-role' ? confidence : 0.3);
  const allowed = statementsOn(facts, denial);
  if (allowed === undefined)
    return because(isForeignAccount(facts, symptom) && denial.side === undefined ? 0.4 : confidence);
  return allowed.anywhere ? because(0.1) : because(0.96, `no statement allows ${denial.action}`);
}
