import { isUnset, number, text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const imageProviderNotAws: Rule = {
  code: 'image-provider-not-aws',
  cause: 'The object does not ask for a login with AWS, so ECR is read anonymously and refuses.',
  fix: 'Set spec.provider: aws on the ImageRepository, OCIRepository or HelmRepository.',
  commands: [`kubectl -n $NS patch $REGISTRY_OBJECT --type merge -p '{"spec":{"provider":"aws"}}'`],
  says: [
    [/amazonaws\.com[\s\S]*unauthorized: Not Authorized/i, 0.8],
    [/401( Unauthorized)?: ?Not Authorized/i, 0.85],
    [/amazonaws\.com[\s\S]*\b401\b/i, 0.7],
    [/\b401\b[\s\S]*\b(AWS|ECR)\b/i, 0.6],
    [/no basic auth credentials/i, 0.2],
    [/\.dkr[.-]ecr[\s\S]*credential required for basic auth|registry provider not configured for login/i, 0.88],
    [/^(?=[\s\S]*?chart)(?=[\s\S]*?\.dkr[.-]ecr)[\s\S]*?\b401\b/i, 0.86],
    [/\b401\b|unauthorized/i, 0],
  ],
  weigh,
  shows: (facts) => {
    const image = text(facts, 'image') ?? '';
    const wants = /\.dkr[.-]ecr[\w-]*\./.test(image) && 'image_provider' in facts && isUnset(facts, 'registry_secret');
    return wants && text(facts, 'image_provider') !== 'aws' ? `${image} is read without a login` : undefined;
  },
  examples: [
    {
      symptom:
        'GET https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/a/tags/list: 401 Unauthorized: Not Authorized',
      facts: { image_provider: 'generic', registry_secret: null },
      found: true,
    },
    {
      symptom: 'GET https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/a/tags/list: 401 Unauthorized',
      facts: { image_provider: 'generic', registry_secret_age_hours: 13 },
      found: false,
    },
  ],
};

function weigh(confidence: number, { facts, component }: Report) {
  if (text(facts, 'image_provider') === 'aws') return because(0.1);
  if ((number(facts, 'registry_secret_age_hours') ?? 0) >= 12) return because(0.2);
  const image = text(facts, 'image');
  if (image !== undefined && !/\.dkr[.-]ecr|public\.ecr\.aws/.test(image)) return because(0);
  if ('image_provider' in facts) return because(0.95, `spec.provider is ${text(facts, 'image_provider') ?? 'not set'}`);
  return because(component === 'kubelet' ? 0 : confidence);
}
