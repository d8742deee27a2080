import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const oidcProviderMissing: Rule = {
  code: 'oidc-provider-missing',
  cause: "IAM has no identity provider for the cluster's issuer in the account of the role.",
  fix: 'Create the provider for the issuer in that account, with sts.amazonaws.com among its client ids.',
  commands: ['aws iam create-open-id-connect-provider --url $ISSUER --client-id-list sts.amazonaws.com'],
  says: [
    [/No OpenIDConnect provider found/i, 0.93],
    [/\b(OIDC|OpenID ?Connect) provider\b[^.]*\b(not found|does not exist|missing|cannot be found)\b/i, 0.88],
    [/no IAM OIDC provider associated|without IAM OIDC provider enabled/i, 0.93],
  ],
  weigh,
  shows: (facts) =>
    facts['iam_oidc_provider_exists'] === false ? "IAM has no provider for the cluster's issuer" : undefined,
  examples: [
    { symptom: 'InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc', found: true },
    {
      symptom: 'InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc',
      facts: { iam_oidc_provider_exists: true, role_partition: 'aws-cn' },
      found: false,
    },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  if (facts['iam_oidc_provider_exists'] === false) return because(0.97, "IAM has no provider for the cluster's issuer");
  const partition = text(facts, 'role_partition');
  if (facts['iam_oidc_provider_exists'] === true && partition !== undefined && partition !== 'aws') return because(0.4);
  if (facts['iam_oidc_provider_exists'] === true) return because(0.6);
  return because(confidence);
}
