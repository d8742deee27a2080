import { ecrPolicy, repositoryArn } from '../iam/ecr-policy.ts';
import type { PolicyDocument, PolicyStatement } from '../iam/policy-document.ts';
import { issuerKey, oidcProviderArn } from '../iam/trust.ts';
import { irsaTrustPolicy, podIdentityTrustPolicy } from '../iam/trust-policy.ts';
import type { Installation } from './installation.ts';

/** The ServiceAccount that scans ECR, and so the only one with a role (spec/provisioning.md §14, B7) unless artifacts are there too. */
export const scannerName = 'image-reflector-controller';
/** The ServiceAccount that fetches artifacts. */
const fetcherName = 'source-controller';
/** The ServiceAccount of one process of all controllers; Pod Identity goes by the ServiceAccount of the pod. */
export const controllersName = 'millrace';

/** A ServiceAccount that reads ECR, by a role with one policy. */
export interface EcrReader {
  serviceAccount: string;
  policy: { arn: string; name: string; document: PolicyDocument };
  role: { arn: string; name: string; trust: PolicyDocument };
}

/** ECR's push events → EventBridge → SQS, with a queue for what cannot be read. */
export interface EventsModel {
  /** Name of the rule and of its queue. */
  name: string;
  ruleArn: string;
  pattern: Record<string, unknown>;
  queueArn: string;
  queuePolicy: PolicyDocument;
  unreadName: string;
  unreadArn: string;
}

/** What must exist in AWS. */
export interface AwsModel extends Pick<EcrReader, 'policy' | 'role'> {
  identity: 'irsa' | 'pod-identity';
  provider: { arn: string; url: string; clientIds: string[]; thumbprints: string[] };
  /** The scanner first. */
  readers: EcrReader[];
  /** Pod Identity: which ServiceAccount of which cluster has the role. */
  associations: { clusterName: string; namespace: string; serviceAccount: string; roleArn: string }[];
  events?: EventsModel;
  repositories: string[];
}

export function awsModelOf(installation: Installation): AwsModel {
  const { aws, issuer, identity = 'irsa', namespace, pull } = installation;
  const scanner = readerOf(installation, scannerName, 'ecr-read', 'image-reflector', scannerPolicy(installation));
  const readers = [
    scanner,
    ...(pull === undefined
      ? []
      : [readerOf(installation, fetcherName, 'ecr-pull', 'source', fetcherPolicy(installation, pull))]),
  ];
  const { clusterName = '', fluxInstance, topology = 'single' } = installation;
  const isOne = fluxInstance === undefined && topology === 'single';
  return {
    identity,
    provider: {
      arn: oidcProviderArn(aws.partition, aws.account, issuer),
      url: `https://${issuerKey(issuer)}`,
      clientIds: ['sts.amazonaws.com'],
      thumbprints: installation.issuerThumbprint === undefined ? [] : [installation.issuerThumbprint],
    },
    policy: scanner.policy,
    role: scanner.role,
    readers,
    associations:
      identity === 'irsa'
        ? []
        : readers.map(({ serviceAccount, role }) => ({
            clusterName,
            namespace,
            serviceAccount: isOne ? controllersName : serviceAccount,
            roleArn: role.arn,
          })),
    ...(installation.createEvents === true && { events: eventsModel(installation) }),
    repositories: [...installation.createRepositories],
  };
}

function readerOf(
  { aws, identity, issuer, namePrefix, namespace }: Installation,
  serviceAccount: string,
  policySuffix: string,
  roleSuffix: string,
  document: PolicyDocument,
): EcrReader {
  const { partition, account } = aws;
  const names = { policy: `${namePrefix}-${policySuffix}`, role: `${namePrefix}-${roleSuffix}` };
  const providerArn = oidcProviderArn(partition, account, issuer);
  const trust =
    identity === 'pod-identity'
      ? podIdentityTrustPolicy()
      : irsaTrustPolicy([{ providerArn, issuer, serviceAccounts: [{ namespace, name: serviceAccount }] }]);
  return {
    serviceAccount,
    policy: { arn: `arn:${partition}:iam::${account}:policy/${names.policy}`, name: names.policy, document },
    role: { arn: `arn:${partition}:iam::${account}:role/${names.role}`, name: names.role, trust },
  };
}

/** Log in, list and read the scanned repositories; take events from the queue where there is one. */
function scannerPolicy({ aws, ecrProfile, repositories, foreign = [], eventsQueueArn }: Installation): PolicyDocument {
  const policy = ecrPolicy(ecrProfile, [{ ...aws, repositories }, ...foreign]);
  if (eventsQueueArn === undefined) return policy;
  const Action = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'];
  return withStatement(policy, { Sid: 'ECREvents', Effect: 'Allow', Action, Resource: eventsQueueArn });
}

/** Log in and fetch; below the prefixes of a cache a first pull may make the repository. */
function fetcherPolicy({ aws }: Installation, pull: NonNullable<Installation['pull']>): PolicyDocument {
  const { repositories, foreign, throughCache } = pull;
  const cached = throughCache.map((prefix) => `${prefix.replace(/\/?\*?$/, '')}/*`);
  const policy = ecrPolicy('pull', [{ ...aws, repositories: [...repositories, ...cached] }, ...foreign]);
  if (cached.length === 0) return policy;
  return withStatement(policy, {
    Sid: 'ECRPullThrough',
    Effect: 'Allow',
    Action: ['ecr:BatchImportUpstreamImage', 'ecr:CreateRepository'],
    Resource: cached.map((pattern) => repositoryArn(aws, pattern)),
  });
}

function withStatement(policy: PolicyDocument, statement: PolicyStatement): PolicyDocument {
  return { ...policy, Statement: [...[policy.Statement].flat(), statement] };
}

/** Spec/provisioning.md §10. */
function eventsModel({ aws, namePrefix, repositories }: Installation): EventsModel {
  const { partition, region, account } = aws;
  const name = `${namePrefix}-ecr-push`;
  const ruleArn = `arn:${partition}:events:${region}:${account}:rule/${name}`;
  const queueArn = eventsQueueArn(namePrefix, aws);
  const unreadName = `${name}-unread`;
  return {
    name,
    ruleArn,
    queueArn,
    unreadName,
    unreadArn: `arn:${partition}:sqs:${region}:${account}:${unreadName}`,
    pattern: {
      source: ['aws.ecr'],
      'detail-type': ['ECR Image Action'],
      detail: {
        'action-type': ['PUSH'],
        result: ['SUCCESS'],
        'repository-name': repositories.map((text) => (text.includes('*') ? { wildcard: text } : text)),
      },
    },
    queuePolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'EventBridge',
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: queueArn,
          Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
        },
      ],
    },
  };
}

/** ARN of the queue that `createEvents` makes. */
export function eventsQueueArn(namePrefix: string, { partition, region, account }: Installation['aws']): string {
  return `arn:${partition}:sqs:${region}:${account}:${namePrefix}-ecr-push`;
}
