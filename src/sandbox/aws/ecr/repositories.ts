import { isMillraceError } from '../../../base/error.ts';
import { parsePolicy } from '../../../iam/policy-document.ts';
import { type RepositoryRecord, repositoryNamePattern } from '../../registry/repository-store.ts';
import { AwsFault } from '../fault.ts';
import { objectList, optionalBoolean, optionalText, requiredText, textList } from '../json-input.ts';
import type { JsonOperation } from '../service.ts';
import {
  type EcrContext,
  epochSeconds,
  openEcrRepository,
  repositoryArnOf,
  repositoryNotFound,
  repositoryUri,
  requireOwnRegistry,
} from './ecr-context.ts';
import { ecrPage } from './paging.ts';

/** Repositories: create, describe, delete, their policies, settings and tags. */
export function repositoryOperations(context: EcrContext): Record<string, JsonOperation> {
  const { account, repositories } = context;
  const describe = (record: RepositoryRecord) => ({
    repositoryArn: repositoryArnOf(context, record.name),
    registryId: account.id,
    repositoryName: record.name,
    repositoryUri: repositoryUri(context, record.name),
    createdAt: epochSeconds(record.createdAt),
    imageTagMutability: record.tagMutability,
    imageScanningConfiguration: { scanOnPush: record.scanOnPush },
    encryptionConfiguration: { encryptionType: 'AES256' },
  });
  const policyAnswer = (name: string, policyText: string) => ({
    registryId: account.id,
    repositoryName: name,
    policyText,
  });

  return {
    CreateRepository(input, call) {
      const name = requiredText(input, 'repositoryName');
      call.require('ecr:CreateRepository', repositoryArnOf(context, name));
      requireOwnRegistry(context, input);
      if (name.length < 2 || name.length > 256 || !repositoryNamePattern.test(name)) {
        throw new AwsFault(
          'InvalidParameterException',
          `Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*''`,
        );
      }
      if (repositories.get(name) !== undefined) {
        throw new AwsFault(
          'RepositoryAlreadyExistsException',
          `The repository with name '${name}' already exists in the registry with id '${account.id}'`,
        );
      }
      const scanning = input['imageScanningConfiguration'];
      const record = repositories.create(name, {
        tagMutability: mutability(optionalText(input, 'imageTagMutability')),
        scanOnPush:
          scanning !== null && typeof scanning === 'object' && 'scanOnPush' in scanning && scanning.scanOnPush === true,
        tags: (objectList(input, 'tags') ?? []).map(({ Key, Value }) => ({ Key: String(Key), Value: String(Value) })),
      });
      return { repository: describe(record) };
    },

    DescribeRepositories(input, call) {
      const names = textList(input, 'repositoryNames');
      // Describing everything is a call on every repository.
      for (const name of names ?? ['*']) call.require('ecr:DescribeRepositories', repositoryArnOf(context, name));
      requireOwnRegistry(context, input);
      const records = names?.map((name) => {
        const record = repositories.get(name);
        if (record === undefined) throw repositoryNotFound(context, name);
        return record;
      });
      const { items, nextToken } = ecrPage(records ?? repositories.list(), input);
      return { repositories: items.map(describe), nextToken };
    },

    DeleteRepository(input, call) {
      const { record, content } = openEcrRepository(context, call, 'ecr:DeleteRepository', input);
      if (content.images().length > 0 && optionalBoolean(input, 'force') !== true) {
        throw new AwsFault(
          'RepositoryNotEmptyException',
          `The repository with name '${record.name}' in registry with id '${account.id}' cannot be deleted because it still contains images`,
        );
      }
      repositories.delete(record.name);
      return { repository: describe(record) };
    },

    PutImageTagMutability(input, call) {
      const { record } = openEcrRepository(context, call, 'ecr:PutImageTagMutability', input);
      const tagMutability = mutability(requiredText(input, 'imageTagMutability'));
      repositories.update({ ...record, tagMutability });
      return { registryId: account.id, repositoryName: record.name, imageTagMutability: tagMutability };
    },

    SetRepositoryPolicy(input, call) {
      const { record } = openEcrRepository(context, call, 'ecr:SetRepositoryPolicy', input);
      const policy = requiredText(input, 'policyText');
      requireRepositoryPolicy(policy);
      repositories.update({ ...record, policy });
      return policyAnswer(record.name, policy);
    },

    GetRepositoryPolicy(input, call) {
      const { record } = openEcrRepository(context, call, 'ecr:GetRepositoryPolicy', input);
      return policyAnswer(record.name, requirePresent(context, record));
    },

    DeleteRepositoryPolicy(input, call) {
      const { record } = openEcrRepository(context, call, 'ecr:DeleteRepositoryPolicy', input);
      const removed = requirePresent(context, record);
      const { policy: _, ...rest } = record;
      repositories.update(rest);
      return policyAnswer(record.name, removed);
    },

    PutLifecyclePolicy(input, call) {
      const { record } = openEcrRepository(context, call, 'ecr:PutLifecyclePolicy', input);
      const lifecyclePolicy = requiredText(input, 'lifecyclePolicyText');
      repositories.update({ ...record, lifecyclePolicy });
      return { registryId: account.id, repositoryName: record.name, lifecyclePolicyText: lifecyclePolicy };
    },

    GetLifecyclePolicy(input, call) {
      const { record } = openEcrRepository(context, call, 'ecr:GetLifecyclePolicy', input);
      if (record.lifecyclePolicy === undefined) {
        throw new AwsFault(
          'LifecyclePolicyNotFoundException',
          `Lifecycle policy does not exist for the repository with name '${record.name}' in the registry with id '${account.id}'`,
        );
      }
      return { registryId: account.id, repositoryName: record.name, lifecyclePolicyText: record.lifecyclePolicy };
    },

    ListTagsForResource(input, call) {
      return { tags: findByArn(context, call.require, 'ecr:ListTagsForResource', input).tags };
    },

    TagResource(input, call) {
      const record = findByArn(context, call.require, 'ecr:TagResource', input);
      const added = (objectList(input, 'tags') ?? []).map(({ Key, Value }) => ({
        Key: String(Key),
        Value: String(Value),
      }));
      const keys = new Set(added.map(({ Key }) => Key));
      repositories.update({ ...record, tags: [...record.tags.filter(({ Key }) => !keys.has(Key)), ...added] });
      return {};
    },

    UntagResource(input, call) {
      const record = findByArn(context, call.require, 'ecr:UntagResource', input);
      const keys = textList(input, 'tagKeys') ?? [];
      repositories.update({ ...record, tags: record.tags.filter(({ Key }) => !keys.includes(Key)) });
      return {};
    },
  };
}

function findByArn(
  context: EcrContext,
  require: (action: string, resource: string) => void,
  action: string,
  input: Readonly<Record<string, unknown>>,
): RepositoryRecord {
  const arn = requiredText(input, 'resourceArn');
  require(action, arn);
  const name = arn.slice(arn.indexOf('/') + 1);
  const record = repositoryArnOf(context, name) === arn ? context.repositories.get(name) : undefined;
  if (record === undefined) throw repositoryNotFound(context, name);
  return record;
}

function mutability(value: string | undefined): 'MUTABLE' | 'IMMUTABLE' {
  if (value === undefined || value === 'MUTABLE') return 'MUTABLE';
  if (value === 'IMMUTABLE') return value;
  throw new AwsFault(
    'InvalidParameterException',
    `Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must satisfy enum value set: [IMMUTABLE, MUTABLE]'`,
  );
}

function requireRepositoryPolicy(policy: string): void {
  try {
    parsePolicy(policy, 'resource');
  } catch (error) {
    if (!isMillraceError(error, 'IAM_POLICY_MALFORMED')) throw error;
    throw new AwsFault(
      'InvalidParameterException',
      `Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'`,
    );
  }
}

function requirePresent({ account }: EcrContext, { name, policy }: RepositoryRecord): string {
  if (policy !== undefined) return policy;
  throw new AwsFault(
    'RepositoryPolicyNotFoundException',
    `Repository policy does not exist for the repository with name '${name}' in the registry with id '${account.id}'`,
  );
}
