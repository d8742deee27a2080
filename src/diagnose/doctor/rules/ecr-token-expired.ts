import { number, text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const ecrTokenExpired: Rule = {
  code: 'ecr-token-expired',
  cause: 'A stored ECR password has outlived its 12 hours.',
  fix: 'Remove the secret and set provider: aws, so that the controller logs in by itself.',
  commands: [`kubectl -n $NS patch $REGISTRY_OBJECT --type merge -p '{"spec":{"provider":"aws","secretRef":null}}'`],
  says: [
    [/unexpected status code \[manifests [^\]]+\]: 401/i, 0.4],
    [/authorization token has expired/i, 0.96],
    [/\b40[13]\b|\bdenied\b|no basic auth/i, 0],
    [/\b401 Unauthorized\b|no basic auth credentials/i, 0],
  ],
  weigh,
  shows: (facts) => {
    const age = number(facts, 'registry_secret_age_hours') ?? number(facts, 'image_pull_secret_age_hours') ?? 0;
    return age >= 12 && text(facts, 'image_provider') !== 'aws' ? `the stored password is ${age} h old` : undefined;
  },
  examples: [
    { symptom: 'DENIED: Your authorization token has expired. Reauthenticate and try again.', found: true },
    {
      symptom: 'HEAD https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/a/manifests/1: 401 Unauthorized',
      facts: { registry_secret_age_hours: 13 },
      found: true,
    },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  const age = number(facts, 'registry_secret_age_hours') ?? number(facts, 'image_pull_secret_age_hours');
  if (age === undefined || age < 12 || text(facts, 'image_provider') === 'aws') return because(confidence);
  return because(0.96, `the stored password is ${age} h old`);
}
