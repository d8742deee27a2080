import type { RepositoryContent } from '../../registry/repository-content.ts';
import type { RepositoryRecord, RepositoryStore } from '../../registry/repository-store.ts';
import { registryHost } from '../account.ts';
import { AwsFault } from '../fault.ts';
import { type JsonInput, optionalText, requiredText } from '../json-input.ts';
import type { AwsContext, SignedCall } from '../service.ts';

export interface EcrContext extends AwsContext {
  repositories: RepositoryStore;
}

export function repositoryArnOf({ account }: AwsContext, name: string): string {
  return `arn:${account.partition}:ecr:${account.region}:${account.id}:repository/${name}`;
}

export function repositoryUri({ account }: AwsContext, name: string): string {
  return `${registryHost(account)}/${name}`;
}

/** The repository that a call names, once the caller may do `action` to it: denied first, absent second, as ECR answers. */
export function openEcrRepository(
  context: EcrContext,
  call: SignedCall,
  action: string,
  input: JsonInput,
): OpenRepository {
  requireOwnRegistry(context, input);
  const name = requiredText(input, 'repositoryName');
  const record = context.repositories.get(name);
  call.require(action, repositoryArnOf(context, name), { resourcePolicy: record?.policy });
  if (record === undefined) throw repositoryNotFound(context, name);
  return { record, content: context.repositories.content(name) };
}

export interface OpenRepository {
  record: RepositoryRecord;
  content: RepositoryContent;
}

export function repositoryNotFound({ account }: AwsContext, name: string): AwsFault {
  return new AwsFault(
    'RepositoryNotFoundException',
    `The repository with name '${name}' does not exist in the registry with id '${account.id}'`,
  );
}

/** The sandbox has one registry, that of its account. */
export function requireOwnRegistry(context: AwsContext, input: JsonInput): void {
  const registryId = optionalText(input, 'registryId');
  if (registryId === undefined || registryId === context.account.id) return;
  throw repositoryNotFound(
    { ...context, account: { ...context.account, id: registryId } },
    optionalText(input, 'repositoryName') ?? '',
  );
}

/** ECR's JSON times are seconds since the epoch. */
export function epochSeconds(ms: number): number {
  return ms / 1000;
}
