import { newId } from '../account.ts';
import { AwsFault } from '../fault.ts';
import type { RoleRecord } from '../iam-store.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import {
  deleteConflict,
  encodeDocument,
  entityExists,
  findPolicy,
  findRole,
  requireName,
  requirePath,
  requirePolicy,
} from './checks.ts';
import { pageOf } from './paging.ts';
import { tagList, withoutTags, withTags } from './tags.ts';

/** Quota "Role trust policy length", characters without white space. */
const trustPolicyLimit = { what: 'ACLSizePerRole', characters: 2048 };

/** Roles themselves: create, read, change, delete, tag. */
export function roleOperations(context: AwsContext): Record<string, QueryOperation> {
  const { account, clock, iam } = context;
  const arnOf = (name: string, path = '/') => `arn:${account.partition}:iam::${account.id}:role${path}${name}`;

  /** An operation on a role that exists: allowed for `action` on its ARN, then run. */
  const onRole =
    (
      action: string,
      run: (role: RoleRecord, ...args: Parameters<QueryOperation>) => XmlValue | undefined,
    ): QueryOperation =>
    (params, call) => {
      const name = params.required('RoleName');
      const role = iam.roles.get(name);
      call.require(action, role?.arn ?? arnOf(name), { label: `role ${name}` });
      return run(role ?? findRole(context, name), params, call);
    };
  const save = (role: RoleRecord) => iam.roles.set(role.name, role);

  return {
    CreateRole(params, call) {
      const name = params.required('RoleName');
      const path = requirePath(params.optional('Path'));
      const arn = arnOf(name, path);
      call.require('iam:CreateRole', arn);
      requireName(name, 'roleName');
      const trustPolicy = params.required('AssumeRolePolicyDocument');
      requirePolicy(trustPolicy, 'trust', trustPolicyLimit);
      if (iam.roles.has(name)) throw entityExists(`Role with name ${name} already exists.`);
      const boundary = params.optional('PermissionsBoundary');
      if (boundary !== undefined) findPolicy(context, boundary);
      const description = params.optional('Description');
      const role: RoleRecord = {
        name,
        arn,
        path,
        trustPolicy,
        id: newId('AROA'),
        createdAt: clock.now(),
        maxSessionDuration: requireDuration(params.number('MaxSessionDuration') ?? 3600),
        tags: withTags([], params.structures('Tags', ['Key', 'Value'])),
        attached: [],
        inline: {},
        ...(description === undefined ? {} : { description }),
        ...(boundary === undefined ? {} : { boundary }),
      };
      save(role);
      return { Role: describeRole(role) };
    },

    GetRole: onRole('iam:GetRole', (role) => ({ Role: describeRole(role) })),

    ListRoles(params, call) {
      const prefix = params.optional('PathPrefix') ?? '/';
      call.require('iam:ListRoles', arnOf('', prefix));
      const all = [...iam.roles.values()].filter(({ path }) => path.startsWith(prefix)).sort(byName);
      const { items, ...rest } = pageOf(all, params);
      return { Roles: items.map(describeRole), ...rest };
    },

    UpdateRole: onRole('iam:UpdateRole', (role, params) => {
      const description = params.optional('Description');
      const duration = params.number('MaxSessionDuration');
      save({
        ...role,
        ...(description === undefined ? {} : { description }),
        ...(duration === undefined ? {} : { maxSessionDuration: requireDuration(duration) }),
      });
      return {};
    }),

    UpdateRoleDescription: onRole('iam:UpdateRoleDescription', (role, params) => {
      const updated = { ...role, description: params.optional('Description') ?? '' };
      save(updated);
      return { Role: describeRole(updated) };
    }),

    UpdateAssumeRolePolicy: onRole('iam:UpdateAssumeRolePolicy', (role, params) => {
      const trustPolicy = params.required('PolicyDocument');
      requirePolicy(trustPolicy, 'trust', trustPolicyLimit);
      save({ ...role, trustPolicy });
      return undefined;
    }),

    DeleteRole: onRole('iam:DeleteRole', (role) => {
      if (role.attached.length > 0) throw deleteConflict('Cannot delete entity, must detach all policies first.');
      if (Object.keys(role.inline).length > 0)
        throw deleteConflict('Cannot delete entity, must delete policies first.');
      iam.roles.delete(role.name);
      return undefined;
    }),

    PutRolePermissionsBoundary: onRole('iam:PutRolePermissionsBoundary', (role, params) => {
      save({ ...role, boundary: findPolicy(context, params.required('PermissionsBoundary')).arn });
      return undefined;
    }),

    DeleteRolePermissionsBoundary: onRole('iam:DeleteRolePermissionsBoundary', ({ boundary: _, ...role }) => {
      save(role);
      return undefined;
    }),

    TagRole: onRole('iam:TagRole', (role, params) => {
      save({ ...role, tags: withTags(role.tags, params.structures('Tags', ['Key', 'Value'])) });
      return undefined;
    }),

    UntagRole: onRole('iam:UntagRole', (role, params) => {
      save({ ...role, tags: withoutTags(role.tags, params.list('TagKeys')) });
      return undefined;
    }),

    ListRoleTags: onRole('iam:ListRoleTags', (role, params) => {
      const { items, ...rest } = pageOf(role.tags, params);
      return { Tags: tagList(items), ...rest };
    }),

    // Roles of the sandbox are never in an instance profile; tools ask before they delete a role.
    ListInstanceProfilesForRole: onRole('iam:ListInstanceProfilesForRole', () => ({
      InstanceProfiles: [],
      IsTruncated: false,
    })),
  };
}

function describeRole(role: RoleRecord): XmlValue {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: encodeDocument(role.trustPolicy),
    Description: role.description,
    MaxSessionDuration: role.maxSessionDuration,
    PermissionsBoundary:
      role.boundary === undefined
        ? undefined
        : { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: role.boundary },
    Tags: role.tags.length === 0 ? undefined : tagList(role.tags),
    RoleLastUsed: {},
  };
}

function requireDuration(seconds: number): number {
  if (seconds >= 3600 && seconds <= 43_200) return seconds;
  throw new AwsFault(
    'ValidationError',
    `1 validation error detected: Value '${seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value ${seconds < 3600 ? 'greater than or equal to 3600' : 'less than or equal to 43200'}`,
  );
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
