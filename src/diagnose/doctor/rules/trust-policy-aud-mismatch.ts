import { texts } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';
import { trustRefused } from '../signs.ts';
import { trustDiff, trustFault } from '../trust.ts';

export const trustPolicyAudMismatch: Rule = {
  code: 'trust-policy-aud-mismatch',
  cause: "The token's audience is not what IAM expects: the provider's client ids or the trust policy's :aud differ.",
  fix: 'Have sts.amazonaws.com in all three places: the token, the client ids of the provider, the :aud condition.',
  commands: [
    'aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn $PROVIDER_ARN --client-id sts.amazonaws.com',
  ],
  diff: ({ facts }) => trustDiff(facts),
  says: [
    [/Incorrect token audience/i, 0.95],
    [trustRefused, 0.35],
  ],
  weigh,
  shows: (facts) => {
    const found = trustFault(facts);
    return found?.fault === 'aud' ? found.evidence : undefined;
  },
  examples: [
    { symptom: 'InvalidIdentityToken: Incorrect token audience', found: true },
    {
      symptom: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
      facts: { token_aud: ['other'], trust_policy: { aud: 'sts.amazonaws.com' } },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts, symptom }: Report) {
  if (!trustRefused.test(symptom)) {
    const clients = texts(facts['oidc_client_ids']);
    return clients.length > 0
      ? because(0.97, `the provider's client ids are ${clients.join(', ')}`)
      : because(confidence);
  }
  const found = trustFault(facts);
  if (found === undefined) return because(confidence);
  return found.fault === 'aud' ? because(0.95, found.evidence) : because(0.2);
}
