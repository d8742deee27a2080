import { newId } from '../account.ts';
import { AwsFault } from '../fault.ts';
import type { UserRecord } from '../iam-store.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { deleteConflict, entityExists, noSuchEntity, requireName, requirePath } from './checks.ts';
import { pageOf } from './paging.ts';

/** Quota of IAM: a user has two access keys at the most. */
const maxAccessKeys = 2;

/** Users and their access keys. What they may do: entity-policies.ts. */
export function userOperations(context: AwsContext): Record<string, QueryOperation> {
  const { account, clock, iam, keys } = context;
  const arnOf = (name: string, path = '/') => `arn:${account.partition}:iam::${account.id}:user${path}${name}`;
  const onUser =
    (
      action: string,
      run: (user: UserRecord, ...args: Parameters<QueryOperation>) => XmlValue | undefined,
    ): QueryOperation =>
    (params, call) => {
      const { identity } = call;
      const own = identity.kind === 'user' ? identity.user.name : undefined;
      // Several calls are about the caller where they name nobody.
      const name = params.optional('UserName') ?? own ?? params.required('UserName');
      call.require(action, iam.users.get(name)?.arn ?? arnOf(name), { label: `user ${name}` });
      return run(findUser(context, name), params, call);
    };

  return {
    CreateUser(params, call) {
      const name = params.required('UserName');
      const path = requirePath(params.optional('Path'));
      call.require('iam:CreateUser', arnOf(name, path));
      requireName(name, 'userName');
      if (iam.users.has(name)) throw entityExists(`User with name ${name} already exists.`);
      const createdAt = clock.now();
      const user = { name, path, createdAt, id: newId('AIDA'), arn: arnOf(name, path), attached: [], inline: {} };
      iam.users.set(name, user);
      return { User: describeUser(user) };
    },

    GetUser: onUser('iam:GetUser', (user) => ({ User: describeUser(user) })),

    ListUsers(params, call) {
      call.require('iam:ListUsers', arnOf('', params.optional('PathPrefix')));
      const all = [...iam.users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      const { items, ...rest } = pageOf(all, params);
      return { Users: items.map(describeUser), ...rest };
    },

    DeleteUser: onUser('iam:DeleteUser', (user) => {
      if (keys.keysOf(user.name).length > 0)
        throw deleteConflict('Cannot delete entity, must delete access keys first.');
      if (user.attached.length > 0) throw deleteConflict('Cannot delete entity, must detach all policies first.');
      if (Object.keys(user.inline).length > 0)
        throw deleteConflict('Cannot delete entity, must delete policies first.');
      iam.users.delete(user.name);
      return undefined;
    }),

    CreateAccessKey: onUser('iam:CreateAccessKey', (user) => {
      if (keys.keysOf(user.name).length >= maxAccessKeys) {
        throw new AwsFault('LimitExceeded', `Cannot exceed quota for AccessKeysPerUser: ${maxAccessKeys}`, 409);
      }
      const now = clock.now();
      const { accessKeyId, secretAccessKey } = keys.createUserKey(user.name, now);
      const key = describeKey(user, accessKeyId, now);
      return { AccessKey: { ...key, SecretAccessKey: secretAccessKey } };
    }),

    ListAccessKeys: onUser('iam:ListAccessKeys', (user, params) => {
      const all = keys.keysOf(user.name).map((key) => describeKey(user, key.accessKeyId, key.createdAt));
      const { items, ...rest } = pageOf(all, params);
      return { AccessKeyMetadata: items, ...rest };
    }),

    DeleteAccessKey: onUser('iam:DeleteAccessKey', (user, params) => {
      const accessKeyId = params.required('AccessKeyId');
      if (keys.userKey(accessKeyId)?.userName !== user.name) {
        throw noSuchEntity(`The Access Key with id ${accessKeyId} cannot be found.`);
      }
      keys.deleteUserKey(accessKeyId);
      return undefined;
    }),
  };
}

export function findUser({ iam }: AwsContext, name: string): UserRecord {
  const user = iam.users.get(name);
  if (user === undefined) throw noSuchEntity(`The user with name ${name} cannot be found.`);
  return user;
}

function describeUser({ name, id, arn, path, createdAt }: UserRecord): XmlValue {
  return { Path: path, UserName: name, UserId: id, Arn: arn, CreateDate: new Date(createdAt) };
}

function describeKey({ name }: UserRecord, accessKeyId: string, createdAt: number) {
  return { UserName: name, AccessKeyId: accessKeyId, Status: 'Active', CreateDate: new Date(createdAt) };
}
