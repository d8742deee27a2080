import type { ECRClient } from '@aws-sdk/client-ecr';
import type { IAMClient } from '@aws-sdk/client-iam';
import { awsErrorCode } from '../aws/aws-error.ts';
import { MillraceError } from '../base/error.ts';
import { deepEqual } from '../base/json.ts';
import type { PolicyDocument } from '../iam/policy-document.ts';
import type { AwsModel } from './aws-model.ts';
import { madeByTag } from './made-by.ts';
import type { Step } from './plan.ts';
import { widenedGrants, widenedSubjects } from './widening.ts';

export interface AwsClients {
  iam: IAMClient;
  ecr: ECRClient;
}

/** What is missing in AWS, or differs, with how to bring it about. What exists as it should be gives no step. */
export async function planAws(model: AwsModel, clients: AwsClients, signal: AbortSignal): Promise<Step[]> {
  const steps = [
    ...(await planProvider(model, clients, signal)),
    ...(await planPolicy(model, clients, signal)),
    ...(await planRole(model, clients, signal)),
  ];
  for (const repository of model.repositories) steps.push(...(await planRepository(repository, clients, signal)));
  return steps;
}

/** Undefined where AWS says that there is no such thing; every other error is thrown. */
export async function found<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    const code = awsErrorCode(error) ?? (error instanceof Error ? error.name : '');
    if (/NoSuchEntity|RepositoryNotFound/.test(code)) return undefined;
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

async function planPolicy({ policy }: AwsModel, { iam }: AwsClients, signal: AbortSignal): Promise<Step[]> {
  const aws = await import('@aws-sdk/client-iam');
  const PolicyDocument = JSON.stringify(policy.document);
  const existing = await found(iam.send(new aws.GetPolicyCommand({ PolicyArn: policy.arn }), { abortSignal: signal }));
  if (existing === undefined) {
    const input = {
      PolicyName: policy.name,
      PolicyDocument,
      Description: 'Scan of ECR repositories by Millrace',
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
      what: `IAM policy ${policy.arn}: ${JSON.stringify(current)} becomes ${PolicyDocument}`,
      widens: widenedGrants(current as PolicyDocument, policy.document),
      run: async () => {
        const input = { PolicyArn: policy.arn, PolicyDocument, SetAsDefault: true };
        await iam.send(new aws.CreatePolicyVersionCommand(input), { abortSignal: signal });
        // IAM keeps five versions at the most; the one that was replaced is not needed.
        await iam.send(new aws.DeletePolicyVersionCommand({ PolicyArn: policy.arn, VersionId }), {
          abortSignal: signal,
        });
      },
    },
  ];
}

async function planRole({ role, policy }: AwsModel, { iam }: AwsClients, signal: AbortSignal): Promise<Step[]> {
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
      what: `trust policy of ${role.arn}: ${JSON.stringify(current)} becomes ${trust}`,
      widens: widenedSubjects(current as PolicyDocument, role.trust),
      run: async () => {
        const input = { RoleName: role.name, PolicyDocument: trust };
        await iam.send(new aws.UpdateAssumeRolePolicyCommand(input), { abortSignal: signal });
      },
    });
  }
  const attached = await iam.send(new aws.ListAttachedRolePoliciesCommand({ RoleName: role.name }), {
    abortSignal: signal,
  });
  if (!attached.AttachedPolicies?.some(({ PolicyArn }) => PolicyArn === policy.arn)) {
    steps.push({ action: 'update', what: `attach ${policy.arn} to ${role.arn}`, run: attach });
  }
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
