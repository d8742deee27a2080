import { newId } from '../account.ts';
import type { PolicyRecord } from '../iam-store.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { deleteConflict, entityExists, findPolicy, requireName, requirePath, requirePolicy } from './checks.ts';
import { pageOf } from './paging.ts';
import { managedPolicyLimit } from './policy-versions.ts';
import { tagList, withoutTags, withTags } from './tags.ts';

/** Managed policies: create, read, delete, tag, and who they are attached to. Their versions: policy-versions.ts. */
export function policyOperations(context: AwsContext): Record<string, QueryOperation> {
  const { account, clock, iam } = context;
  const arnOf = (name: string, path = '/') => `arn:${account.partition}:iam::${account.id}:policy${path}${name}`;
  const rolesWith = (arn: string) => [...iam.roles.values()].filter(({ attached }) => attached.includes(arn));
  const usersWith = (arn: string) => [...iam.users.values()].filter(({ attached }) => attached.includes(arn));
  const attachments = (arn: string) => rolesWith(arn).length + usersWith(arn).length;
  const describe = (policy: PolicyRecord) => describePolicy(policy, attachments(policy.arn));

  const onPolicy =
    (
      action: string,
      run: (policy: PolicyRecord, ...args: Parameters<QueryOperation>) => XmlValue | undefined,
    ): QueryOperation =>
    (params, call) => {
      const arn = params.required('PolicyArn');
      call.require(action, arn, { label: `policy ${arn}` });
      return run(findPolicy(context, arn), params, call);
    };

  return {
    CreatePolicy(params, call) {
      const name = params.required('PolicyName');
      const path = requirePath(params.optional('Path'));
      const arn = arnOf(name, path);
      call.require('iam:CreatePolicy', arn, { label: `policy ${name}` });
      requireName(name, 'policyName', 128);
      const document = params.required('PolicyDocument');
      requirePolicy(document, 'identity', managedPolicyLimit);
      if (iam.policies.has(arn)) {
        throw entityExists(`A policy called ${name} already exists. Duplicate names are not allowed.`);
      }
      const now = clock.now();
      const description = params.optional('Description');
      const policy: PolicyRecord = {
        name,
        arn,
        path,
        id: newId('ANPA'),
        createdAt: now,
        updatedAt: now,
        defaultVersion: 'v1',
        versions: [{ id: 'v1', document, createdAt: now }],
        nextVersion: 2,
        tags: withTags([], params.structures('Tags', ['Key', 'Value'])),
        ...(description === undefined ? {} : { description }),
      };
      iam.policies.set(arn, policy);
      return { Policy: describe(policy) };
    },

    GetPolicy: onPolicy('iam:GetPolicy', (policy) => ({ Policy: describe(policy) })),

    ListPolicies(params, call) {
      call.require('iam:ListPolicies', arnOf('', '/'), { label: `policy path /` });
      const prefix = params.optional('PathPrefix') ?? '/';
      const onlyAttached = params.boolean('OnlyAttached');
      // AWS's own policies are known by name but not listed: the sandbox has only a few of them.
      const all = params.optional('Scope') === 'AWS' ? [] : [...iam.policies.values()];
      const wanted = all
        .filter(({ path, arn }) => path.startsWith(prefix) && (!onlyAttached || attachments(arn) > 0))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      const { items, ...rest } = pageOf(wanted, params);
      return { Policies: items.map(describe), ...rest };
    },

    DeletePolicy: onPolicy('iam:DeletePolicy', (policy) => {
      if (attachments(policy.arn) > 0) {
        throw deleteConflict('Cannot delete a policy attached to entities.');
      }
      if (policy.versions.length > 1) {
        throw deleteConflict(
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      }
      iam.policies.delete(policy.arn);
      return undefined;
    }),

    ListEntitiesForPolicy: onPolicy('iam:ListEntitiesForPolicy', (policy) => ({
      PolicyGroups: [],
      PolicyUsers: usersWith(policy.arn).map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyRoles: rolesWith(policy.arn).map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      IsTruncated: false,
    })),

    TagPolicy: onPolicy('iam:TagPolicy', (policy, params) => {
      const tags = withTags(policy.tags, params.structures('Tags', ['Key', 'Value']));
      iam.policies.set(policy.arn, { ...policy, tags });
      return undefined;
    }),

    UntagPolicy: onPolicy('iam:UntagPolicy', (policy, params) => {
      iam.policies.set(policy.arn, { ...policy, tags: withoutTags(policy.tags, params.list('TagKeys')) });
      return undefined;
    }),

    ListPolicyTags: onPolicy('iam:ListPolicyTags', (policy, params) => {
      const { items, ...rest } = pageOf(policy.tags, params);
      return { Tags: tagList(items), ...rest };
    }),
  };
}

function describePolicy(policy: PolicyRecord, attachments: number): XmlValue {
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersion,
    AttachmentCount: attachments,
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    Description: policy.description,
    CreateDate: new Date(policy.createdAt),
    UpdateDate: new Date(policy.updatedAt),
    Tags: policy.tags.length === 0 ? undefined : tagList(policy.tags),
  };
}
