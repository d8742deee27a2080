import type { IAMClientConfig } from '@aws-sdk/client-iam';
import { awsError } from '../../aws/aws-error.ts';
import type { Policy, PolicyDocument } from '../../iam/policy-document.ts';
import { parsePolicy } from '../../iam/policy-document.ts';
import type { CliContext } from '../context.ts';
import { awsSettings } from '../provision/aws-settings.ts';

/** A role of IAM with everything that decides about it. */
export interface LiveRole {
  arn: string;
  trust: PolicyDocument;
  policies: Policy[];
  boundary?: Policy;
}

/** Reads a role, its inline and attached policies and its boundary, with the user's own AWS credentials. */
export async function readRole(RoleName: string, region: string, context: CliContext): Promise<LiveRole> {
  return readRoleWith(await awsSettings(region, 'iam', context), RoleName, context.signal);
}

/** The same with given credentials. */
export async function readRoleWith(
  settings: IAMClientConfig,
  RoleName: string,
  signal: AbortSignal,
): Promise<LiveRole> {
  const aws = await import('@aws-sdk/client-iam');
  const client = new aws.IAMClient(settings);
  const abort = { abortSignal: signal };
  const managed = async (PolicyArn: string): Promise<Policy> => {
    const { Policy } = await client.send(new aws.GetPolicyCommand({ PolicyArn }), abort);
    const VersionId = Policy?.DefaultVersionId ?? 'v1';
    const { PolicyVersion } = await client.send(new aws.GetPolicyVersionCommand({ PolicyArn, VersionId }), abort);
    return parsePolicy(decodeURIComponent(PolicyVersion?.Document ?? ''), 'identity', PolicyArn);
  };
  try {
    const { Role } = await client.send(new aws.GetRoleCommand({ RoleName }), abort);
    const { PolicyNames = [] } = await client.send(new aws.ListRolePoliciesCommand({ RoleName }), abort);
    const { AttachedPolicies = [] } = await client.send(new aws.ListAttachedRolePoliciesCommand({ RoleName }), abort);
    const inline = PolicyNames.map(async (PolicyName) => {
      const { PolicyDocument } = await client.send(new aws.GetRolePolicyCommand({ RoleName, PolicyName }), abort);
      return parsePolicy(decodeURIComponent(PolicyDocument ?? ''), 'identity', PolicyName);
    });
    const attached = AttachedPolicies.map(({ PolicyArn = '' }) => managed(PolicyArn));
    const boundary = Role?.PermissionsBoundary?.PermissionsBoundaryArn;
    return {
      arn: Role?.Arn ?? '',
      trust: JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '{}')) as PolicyDocument,
      policies: await Promise.all([...inline, ...attached]),
      ...(boundary === undefined ? {} : { boundary: await managed(boundary) }),
    };
  } catch (error) {
    throw awsError(error, `reading the role ${RoleName}`, 'the AWS credentials of the environment');
  } finally {
    client.destroy();
  }
}
