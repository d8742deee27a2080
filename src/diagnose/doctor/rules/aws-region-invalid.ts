import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

/** Every region name there is has this form; `sts.amazonaws.com` has none. */
const wrongRegionHost =
  /\b(sts|ecr|kms|s3|api\.ecr|oidc\.eks|codecommit)\.(?!(us|eu|ap|sa|ca|me|af|il|mx|cn|eusc)(-[a-z]+)+-\d\.)(?!vpce|dualstack|region\b|x{2,})[\w-]*\.amazonaws\.com\b/i;

export const awsRegionInvalid: Rule = {
  code: 'aws-region-invalid',
  cause: 'No AWS region is configured, or one that does not exist or belongs to another partition.',
  fix: "Set AWS_REGION of the pod to the cluster's region; for China and GovCloud use a role and endpoints of that partition.",
  commands: ['kubectl -n $SA_NS set env deployment/$SA AWS_REGION=$REGION'],
  says: [
    [/\bNoRegionError\b|You must specify a region\b/i, 0.95],
    [/\ban AWS region is required\b|\bMissing region\b|\bRegion is missing\b|could not (find|resolve) region/i, 0.95],
    [/\b(sts|ecr|kms|s3|api\.ecr)\.\.amazonaws\.com/i, 0.96],
    [/region was not a valid DNS name|Unable to find a region via|\bregion_name\b[^.]*supported format/i, 0.95],
    [
      /Credential should be scoped to a valid region|\binvalid (AWS )?region\b|region '[^']*' is (invalid|not valid)/i,
      0.93,
    ],
    [/InvalidClientTokenId|UnrecognizedClientException/i, 0.35],
    [wrongRegionHost, 0.96],
    [/RegionDisabledException|STS is not activated in this region/i, 0.9],
    [/No OpenIDConnect provider found/i, 0.3],
  ],
  weigh,
  examples: [
    { symptom: 'failed to resolve service endpoint, an AWS region is required, but was not found', found: true },
    { symptom: 'Post "https://sts..amazonaws.com/": dial tcp: lookup sts..amazonaws.com: no such host', found: true },
    { symptom: 'Post "https://sts.eu-west-1.amazonaws.com/": dial tcp: i/o timeout', found: false },
  ],
};

function weigh(confidence: number, { facts, symptom }: Report) {
  if (!/No OpenIDConnect provider/i.test(symptom)) return because(confidence);
  const partition = text(facts, 'role_partition');
  const otherPartition = partition !== undefined && partition !== 'aws';
  if (facts['iam_oidc_provider_exists'] === true && otherPartition) {
    return because(0.9, `the provider exists, but the role is in partition ${partition}`);
  }
  return facts['iam_oidc_provider_exists'] === true ? because(0.7, 'the provider exists') : because(0);
}
