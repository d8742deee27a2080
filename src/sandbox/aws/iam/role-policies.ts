import type { RoleRecord } from '../iam-store.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { encodeDocument, findPolicy, findRole, noSuchEntity, requireName, requirePolicy } from './checks.ts';
import { pageOf } from './paging.ts';

const inlinePolicyLimit = { what: 'InlinePolicySizePerRole', characters: 10_240 };

/** What a role may do: inline policies and attachments of managed ones. */
export function rolePolicyOperations(context: AwsContext): Record<string, QueryOperation> {
  const { account, iam } = context;

  const onRole =
    (
      action: string,
      run: (role: RoleRecord, ...args: Parameters<QueryOperation>) => XmlValue | undefined,
    ): QueryOperation =>
    (params, call) => {
      const name = params.required('RoleName');
      const arn = iam.roles.get(name)?.arn ?? `arn:${account.partition}:iam::${account.id}:role/${name}`;
      const policyArn = params.optional('PolicyArn');
      const keys = policyArn === undefined ? {} : { context: { 'iam:PolicyARN': policyArn } };
      call.require(action, arn, { label: `role ${name}`, ...keys });
      return run(findRole(context, name), params, call);
    };
  const save = (role: RoleRecord) => iam.roles.set(role.name, role);

  return {
    PutRolePolicy: onRole('iam:PutRolePolicy', (role, params) => {
      const policyName = requireName(params.required('PolicyName'), 'policyName', 128);
      const document = params.required('PolicyDocument');
      requirePolicy(document, 'identity', inlinePolicyLimit);
      save({ ...role, inline: { ...role.inline, [policyName]: document } });
      return undefined;
    }),

    GetRolePolicy: onRole('iam:GetRolePolicy', (role, params) => {
      const policyName = params.required('PolicyName');
      const document = role.inline[policyName];
      if (document === undefined) throw noSuchEntity(`The role policy with name ${policyName} cannot be found.`);
      return { RoleName: role.name, PolicyName: policyName, PolicyDocument: encodeDocument(document) };
    }),

    DeleteRolePolicy: onRole('iam:DeleteRolePolicy', (role, params) => {
      const policyName = params.required('PolicyName');
      const { [policyName]: removed, ...inline } = role.inline;
      if (removed === undefined) throw noSuchEntity(`The role policy with name ${policyName} cannot be found.`);
      save({ ...role, inline });
      return undefined;
    }),

    ListRolePolicies: onRole('iam:ListRolePolicies', (role, params) => {
      const { items, ...rest } = pageOf(Object.keys(role.inline).sort(), params);
      return { PolicyNames: items, ...rest };
    }),

    AttachRolePolicy: onRole('iam:AttachRolePolicy', (role, params) => {
      const { arn } = findPolicy(context, params.required('PolicyArn'));
      if (!role.attached.includes(arn)) save({ ...role, attached: [...role.attached, arn] });
      return undefined;
    }),

    DetachRolePolicy: onRole('iam:DetachRolePolicy', (role, params) => {
      const arn = params.required('PolicyArn');
      if (!role.attached.includes(arn)) throw noSuchEntity(`Policy ${arn} was not found.`);
      save({ ...role, attached: role.attached.filter((attached) => attached !== arn) });
      return undefined;
    }),

    ListAttachedRolePolicies: onRole('iam:ListAttachedRolePolicies', (role, params) => {
      const { items, ...rest } = pageOf(role.attached, params);
      return {
        AttachedPolicies: items.map((arn) => ({ PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn })),
        ...rest,
      };
    }),
  };
}
