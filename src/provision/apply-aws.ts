import type { ECRClient } from '@aws-sdk/client-ecr';
import type { EKSClient } from '@aws-sdk/client-eks';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { awsErrorCode } from '../aws/aws-error.ts';
import type { EventBridge } from '../aws/event-bridge.ts';
import { MillraceError } from '../base/error.ts';
import { deepEqual } from '../base/json.ts';
import type { PolicyDocument } from '../iam/policy-document.ts';
import { type EventsClients, planEvents } from './apply-events.ts';
import { planAssociation } from './apply-pod-identity.ts';
import type { AwsModel, EcrReader } from './aws-model.ts';
import { madeByTag } from './made-by.ts';
import type { Note, Step } from './plan.ts';
import { widenedGrants, widenedSubjects } from './widening.ts';

/** Clients of the services that every installation needs, and of those that only some do. */
export interface AwsClients {
  iam: IAMClient;
  ecr: ECRClient;
  sqs?: SQSClient;
  events?: EventBridge;
  eks?: EKSClient;
}

/** What is missing in AWS, or differs, with how to bring it about. What exists as it should be gives no step. */
export async function planAws(
  model: AwsModel,
  clients: AwsClients,
  signal: AbortSignal,
  note: Note = () => {},
): Promise<Step[]> {
  const steps = model.identity === 'irsa' ? await planProvider(model, clients, signal) : [];
  if (model.events !== undefined) steps.push(...(await planEvents(model.events, eventsClients(clients), signal)));
  for (const reader of model.readers) {
    steps.push(...(await planPolicy(reader, clients, signal)), ...(await planRole(reader, clients, signal, note)));
  }
  for (const association of model.associations) {
    steps.push(...(await planAssociation(association, eksClient(clients), signal)));
  }
  for (const repository of model.repositories) steps.push(...(await planRepository(repository, clients, signal)));
  return steps;
}

export function eventsClients({ sqs, events }: AwsClients): EventsClients {
  if (sqs === undefined || events === undefined) throw new Error('push events need SQS and EventBridge');
  return { sqs, events };
}

export function eksClient({ eks }: AwsClients): EKSClient {
  if (eks === undefined) throw new Error('Pod Identity needs EKS');
  return eks;
}

/** Undefined where AWS says that there is no such thing; every other error is thrown. */
export async function found<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    const code = awsErrorCode(error) ?? (error instanceof Error ? error.name : '');
    if (/NoSuchEntity|RepositoryNotFound|QueueDoesNotExist|NonExistentQueue|ResourceNotFound/.test(code))
      return undefined;
    throw error;
  }
}

async function planProvider({ provider }: AwsModel, { iam }: AwsClients, signal: AbortSignal): Promise<Step[]> {
  const aws = await import('@aws-sdk/client-iam');
  const query = { OpenIDConnectProviderArn: provider.arn };
  const existing = await found(iam.send(new aws.GetOpenIDConnectProviderCommand(query), { abortSignal: signal }));
  if (existing === undefined) {
    const input = {
      Url: provider.url,
      ClientIDList: provider.clientIds,
      ThumbprintList: provider.thumbprints,
      Tags: [madeByTag],
    };
    return [
      {
        action: 'create',
        what: `OIDC provider ${provider.arn}`,
        run: async () =>
          void (await iam.send(new aws.CreateOpenIDConnectProviderCommand(input), { abortSignal: signal })),
      },
    ];
  }
  const missing = provider.clientIds.filter((id) => !existing.ClientIDList?.includes(id));
  return missing.map((ClientID) => ({
    action: 'update',
    what: `OIDC provider ${provider.arn}: add the audience ${ClientID}`,
    run: async () =>
      void (await iam.send(new aws.AddClientIDToOpenIDConnectProviderCommand({ ...query, ClientID }), {
        abortSignal: signal,
      })),
  }));
}

async function planPolicy(
  { policy, serviceAccount }: EcrReader,
  { iam }: AwsClients,
  signal: AbortSignal,
): Promise<Step[]> {
  const aws = await import('@aws-sdk/client-iam');
  const PolicyDocument = JSON.stringify(policy.document);
  const existing = await found(iam.send(new aws.GetPolicyCommand({ PolicyArn: policy.arn }), { abortSignal: signal }));
  if (existing === undefined) {
    const input = {
      PolicyName: policy.name,
      PolicyDocument,
      Description: `ECR access of ${serviceAccount}`,
      Tags: [madeByTag],
    };
    return [
      {
        action: 'create',
        what: `IAM policy ${policy.arn}`,
        run: async () => void (await iam.send(new aws.CreatePolicyCommand(input), { abortSignal: signal })),
      },
    ];
  }
  const VersionId = existing.Policy?.DefaultVersionId ?? 'v1';
  const version = await iam.send(new aws.GetPolicyVersionCommand({ PolicyArn: policy.arn, VersionId }), {
    abortSignal: signal,
  });
  const current: unknown = JSON.parse(decodeURIComponent(version.PolicyVersion?.Document ?? '{}'));
  if (deepEqual(current, policy.document)) return [];
  return [
    {
      action: 'update',
      what: `IAM policy ${policy.arn}`,
      details: [`is      ${JSON.stringify(current)}`, `becomes ${PolicyDocument}`],
      widens: widenedGrants(current as PolicyDocument, policy.document),
      run: async () => {
        await makeRoomForVersion(policy.arn, iam, signal);
        const input = { PolicyArn: policy.arn, PolicyDocument, SetAsDefault: true };
        await iam.send(new aws.CreatePolicyVersionCommand(input), { abortSignal: signal });
      },
    },
  ];
}

/** Versions that a managed policy can have (IAM quotas); the others stay, to go back to. */
const maxVersions = 5;

async function makeRoomForVersion(PolicyArn: string, iam: IAMClient, signal: AbortSignal): Promise<void> {
  const aws = await import('@aws-sdk/client-iam');
  const abort = { abortSignal: signal };
  const { Versions = [] } = await iam.send(new aws.ListPolicyVersionsCommand({ PolicyArn }), abort);
  const age = (version: { CreateDate?: Date | undefined }) => version.CreateDate?.getTime() ?? 0;
  const [oldest] = Versions.filter(({ IsDefaultVersion }) => IsDefaultVersion !== true).sort((a, b) => age(a) - age(b));
  if (Versions.length < maxVersions || oldest === undefined) return;
  await iam.send(new aws.DeletePolicyVersionCommand({ PolicyArn, VersionId: oldest.VersionId }), abort);
}

async function planRole(
  { role, policy }: EcrReader,
  { iam }: AwsClients,
  signal: AbortSignal,
  note: Note,
): Promise<Step[]> {
  const aws = await import('@aws-sdk/client-iam');
  const trust = JSON.stringify(role.trust);
  const attach = async () => {
    await iam.send(new aws.AttachRolePolicyCommand({ RoleName: role.name, PolicyArn: policy.arn }), {
      abortSignal: signal,
    });
  };
  const existing = await found(iam.send(new aws.GetRoleCommand({ RoleName: role.name }), { abortSignal: signal }));
  if (existing === undefined) {
    return [
      {
        action: 'create',
        what: `IAM role ${role.arn}`,
        run: async () => {
          const input = { RoleName: role.name, AssumeRolePolicyDocument: trust, Tags: [madeByTag] };
          await iam.send(new aws.CreateRoleCommand(input), { abortSignal: signal });
          await attach();
        },
      },
    ];
  }
  const steps: Step[] = [];
  const current: unknown = JSON.parse(decodeURIComponent(existing.Role?.AssumeRolePolicyDocument ?? '{}'));
  if (!deepEqual(current, role.trust)) {
    steps.push({
      action: 'update',
      what: `trust policy of ${role.arn}`,
      details: [`is      ${JSON.stringify(current)}`, `becomes ${trust}`],
      widens: widenedSubjects(current as PolicyDocument, role.trust),
      run: async () => {
        const input = { RoleName: role.name, PolicyDocument: trust };
        await iam.send(new aws.UpdateAssumeRolePolicyCommand(input), { abortSignal: signal });
      },
    });
  }
  const query = { RoleName: role.name };
  const abort = { abortSignal: signal };
  const { AttachedPolicies = [] } = await iam.send(new aws.ListAttachedRolePoliciesCommand(query), abort);
  const { PolicyNames = [] } = await iam.send(new aws.ListRolePoliciesCommand(query), abort);
  const attached = AttachedPolicies.map(({ PolicyArn = '' }) => PolicyArn);
  for (const other of [...attached.filter((arn) => arn !== policy.arn), ...PolicyNames.map((name) => `inline ${name}`)])
    note(`IAM role ${role.arn} has another policy besides: ${other}`);
  if (!attached.includes(policy.arn))
    steps.push({ action: 'update', what: `attach ${policy.arn} to ${role.arn}`, run: attach });
  return steps;
}

async function planRepository(repositoryName: string, { ecr }: AwsClients, signal: AbortSignal): Promise<Step[]> {
  const aws = await import('@aws-sdk/client-ecr');
  if (/[*?]/.test(repositoryName)) {
    throw new MillraceError('BAD_INPUT', `the repository '${repositoryName}' is a pattern and cannot be created`, {
      retry: 'never',
    });
  }
  const query = new aws.DescribeRepositoriesCommand({ repositoryNames: [repositoryName] });
  if ((await found(ecr.send(query, { abortSignal: signal }))) !== undefined) return [];
  return [
    {
      action: 'create',
      what: `ECR repository ${repositoryName}`,
      run: async () =>
        void (await ecr.send(new aws.CreateRepositoryCommand({ repositoryName }), { abortSignal: signal })),
    },
  ];
}
