import type { RoleRecord, UserRecord } from '../iam-store.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { encodeDocument, findPolicy, findRole, noSuchEntity, requireName, requirePolicy } from './checks.ts';
import { pageOf } from './paging.ts';
import { findUser } from './users.ts';

/** A kind of identity that policies are attached to; IAM has the same calls for each, under its name. */
interface EntityKind<T> {
  /** As operations and parameters are called: `Role` in `PutRolePolicy` and `RoleName`. */
  name: string;
  /** Undefined when there is none. */
  get(name: string): T | undefined;
  /** Throws NoSuchEntity. */
  find(name: string): T;
  save(entity: T): void;
  inlineLimit: { what: string; characters: number };
}

export function rolePolicyOperations(context: AwsContext): Record<string, QueryOperation> {
  return entityPolicyOperations<RoleRecord>(context, {
    name: 'Role',
    get: (name) => context.iam.roles.get(name),
    find: (name) => findRole(context, name),
    save: (role) => context.iam.roles.set(role.name, role),
    inlineLimit: { what: 'InlinePolicySizePerRole', characters: 10_240 },
  });
}

export function userPolicyOperations(context: AwsContext): Record<string, QueryOperation> {
  return entityPolicyOperations<UserRecord>(context, {
    name: 'User',
    get: (name) => context.iam.users.get(name),
    find: (name) => findUser(context, name),
    save: (user) => context.iam.users.set(user.name, user),
    inlineLimit: { what: 'InlinePolicySizePerUser', characters: 2048 },
  });
}

/** What an identity may do: inline policies, and attachments of managed ones. */
function entityPolicyOperations<T extends RoleRecord | UserRecord>(
  context: AwsContext,
  { name: kind, get, find, save, inlineLimit }: EntityKind<T>,
): Record<string, QueryOperation> {
  const { account } = context;
  const lower = kind.toLowerCase();

  const onEntity = (
    action: string,
    run: (entity: T, ...args: Parameters<QueryOperation>) => XmlValue | undefined,
  ): [string, QueryOperation] => [
    action,
    (params, call) => {
      const name = params.required(`${kind}Name`);
      const policyArn = params.optional('PolicyArn');
      const keys = policyArn === undefined ? {} : { context: { 'iam:PolicyARN': policyArn } };
      const arn = `arn:${account.partition}:iam::${account.id}:${lower}/${name}`;
      call.require(`iam:${action}`, get(name)?.arn ?? arn, { label: `${lower} ${name}`, ...keys });
      return run(find(name), params, call);
    },
  ];
  const inlineDocument = (entity: T, policyName: string): string => {
    const document = Object.hasOwn(entity.inline, policyName) ? entity.inline[policyName] : undefined;
    if (document === undefined) throw noSuchEntity(`The ${lower} policy with name ${policyName} cannot be found.`);
    return document;
  };

  return Object.fromEntries([
    onEntity(`Put${kind}Policy`, (entity, params) => {
      const policyName = requireName(params.required('PolicyName'), 'policyName', 128);
      const document = params.required('PolicyDocument');
      requirePolicy(document, 'identity', inlineLimit);
      save({ ...entity, inline: { ...entity.inline, [policyName]: document } });
      return undefined;
    }),

    onEntity(`Get${kind}Policy`, (entity, params) => {
      const policyName = params.required('PolicyName');
      const document = encodeDocument(inlineDocument(entity, policyName));
      return { [`${kind}Name`]: entity.name, PolicyName: policyName, PolicyDocument: document };
    }),

    onEntity(`Delete${kind}Policy`, (entity, params) => {
      const policyName = params.required('PolicyName');
      inlineDocument(entity, policyName);
      const inline = Object.fromEntries(Object.entries(entity.inline).filter(([name]) => name !== policyName));
      save({ ...entity, inline });
      return undefined;
    }),

    onEntity(`List${kind}Policies`, (entity, params) => {
      const { items, ...rest } = pageOf(Object.keys(entity.inline).sort(), params);
      return { PolicyNames: items, ...rest };
    }),

    onEntity(`Attach${kind}Policy`, (entity, params) => {
      const { arn } = findPolicy(context, params.required('PolicyArn'));
      if (!entity.attached.includes(arn)) save({ ...entity, attached: [...entity.attached, arn] });
      return undefined;
    }),

    onEntity(`Detach${kind}Policy`, (entity, params) => {
      const arn = params.required('PolicyArn');
      if (!entity.attached.includes(arn)) throw noSuchEntity(`Policy ${arn} was not found.`);
      save({ ...entity, attached: entity.attached.filter((attached) => attached !== arn) });
      return undefined;
    }),

    onEntity(`ListAttached${kind}Policies`, (entity, params) => {
      const { items, ...rest } = pageOf(entity.attached, params);
      return {
        AttachedPolicies: items.map((arn) => ({ PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn })),
        ...rest,
      };
    }),
  ]);
}
