import type { Rule } from '../rule.ts';
import { cannotReach, ecrHost } from '../signs.ts';

export const ecrEndpointUnreachable: Rule = {
  code: 'ecr-endpoint-unreachable',
  cause: "ECR's API, its registry host or the bucket with the layers cannot be reached.",
  fix: 'Allow TCP 443 to api.ecr, dkr.ecr and S3; in a closed VPC create the endpoints ecr.api, ecr.dkr and the S3 gateway.',
  commands: ['aws ec2 describe-vpc-endpoints --query "VpcEndpoints[].ServiceName"'],
  says: [
    [
      /unable to (pull secrets or registry auth|retrieve ecr registry auth)[\s\S]*(send request failed|timeout|deadline)/i,
      0.93,
    ],
    [/starport-layer-bucket[\s\S]*\b403\b/i, 0.85],
    [cannotReach(String.raw`(api\.ecr|ecr-fips|ecr)\.[a-z0-9-]+\.(amazonaws\.com|api\.aws)`), 0.95],
    [cannotReach(ecrHost), 0.94],
    [cannotReach(String.raw`\bECR GetAuthorizationToken in \S+ for`), 0.94],
    [cannotReach('starport-layer-bucket'), 0.96],
    [cannotReach(String.raw`public\.ecr\.aws`), 0.9],
  ],
  examples: [
    { symptom: 'Post "https://api.ecr.eu-west-1.amazonaws.com/": dial tcp 63.34.60.21:443: i/o timeout', found: true },
    { symptom: 'Get "https://ghcr.io/v2/": dial tcp: i/o timeout', found: false },
  ],
};
