import { isForeignAccount } from '../ecr.ts';
import { text, texts } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const ecrCrossAccountPolicyMissing: Rule = {
  code: 'ecr-cross-account-policy-missing',
  cause: 'The repository is in another account, and its own policy there does not admit the caller.',
  fix: "Have the owner add a repository policy that allows the caller's role or account the actions, ecr:ListImages among them for scans.",
  commands: [
    'aws ecr get-repository-policy --region $REGION --registry-id $REGISTRY_ACCOUNT --repository-name $REPOSITORY',
  ],
  says: [
    [/no resource-based policy allows/i, 0.95],
    [/not authorized to perform:? ?ecr:\w+/i, 0.2],
    [/\b403\b|Forbidden|pull access denied|no basic auth credentials|authorization failed/i, 0.1],
  ],
  weigh,
  examples: [
    { symptom: 'because no resource-based policy allows the ecr:BatchGetImage action', found: true },
    {
      symptom:
        'unexpected status from HEAD request to https://444455556666.dkr.ecr.eu-west-1.amazonaws.com/v2/a: 403 Forbidden',
      facts: { caller_account: '111122223333', registry_account: '444455556666' },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts, symptom }: Report) {
  if (confidence > 0.9) return because(confidence);
  if (!isForeignAccount(facts, symptom) || /no identity-based policy|GetAuthorizationToken/i.test(symptom))
    return because(0);
  const caller = text(facts, 'caller_account');
  if (caller === undefined) return because(0.65, 'the role is in another account than the repository');
  if (texts(facts['repository_policy_principals']).some((principal) => principal.includes(caller))) return because(0);
  return because(0.93, `the caller is in account ${caller}, the registry in ${String(facts['registry_account'])}`);
}
