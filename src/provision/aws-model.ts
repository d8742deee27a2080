import { ecrPolicy } from '../iam/ecr-policy.ts';
import type { PolicyDocument } from '../iam/policy-document.ts';
import { issuerKey, oidcProviderArn } from '../iam/trust.ts';
import { irsaTrustPolicy } from '../iam/trust-policy.ts';
import type { Installation } from './installation.ts';

/** The ServiceAccount that scans ECR, and so the only one with a role (spec/provisioning.md §14, B7). */
export const scannerName = 'image-reflector-controller';

/** What must exist in AWS. */
export interface AwsModel {
  provider: { arn: string; url: string; clientIds: string[]; thumbprints: string[] };
  policy: { arn: string; name: string; document: PolicyDocument };
  role: { arn: string; name: string; trust: PolicyDocument };
  repositories: string[];
}

export function awsModelOf(installation: Installation): AwsModel {
  const { aws, issuer, namePrefix, namespace } = installation;
  const { partition, account } = aws;
  const providerArn = oidcProviderArn(partition, account, issuer);
  const names = { policy: `${namePrefix}-ecr-read`, role: `${namePrefix}-image-reflector` };
  return {
    provider: {
      arn: providerArn,
      url: `https://${issuerKey(issuer)}`,
      clientIds: ['sts.amazonaws.com'],
      thumbprints: installation.issuerThumbprint === undefined ? [] : [installation.issuerThumbprint],
    },
    policy: {
      arn: `arn:${partition}:iam::${account}:policy/${names.policy}`,
      name: names.policy,
      document: scannerPolicy(installation),
    },
    role: {
      arn: `arn:${partition}:iam::${account}:role/${names.role}`,
      name: names.role,
      trust: irsaTrustPolicy([{ providerArn, issuer, serviceAccounts: [{ namespace, name: scannerName }] }]),
    },
    repositories: [...installation.createRepositories],
  };
}

/** Log in, list and read the scanned repositories; take events from the queue where there is one. */
function scannerPolicy({ aws, ecrProfile, repositories, foreign = [], eventsQueueArn }: Installation): PolicyDocument {
  const { partition, region, account } = aws;
  const policy = ecrPolicy(ecrProfile, [{ partition, region, account, repositories }, ...foreign]);
  if (eventsQueueArn === undefined) return policy;
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  const Action = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'];
  return {
    ...policy,
    Statement: [...statements, { Sid: 'ECREvents', Effect: 'Allow', Action, Resource: eventsQueueArn }],
  };
}
