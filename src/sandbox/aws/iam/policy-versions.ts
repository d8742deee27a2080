import { AwsFault } from '../fault.ts';
import type { PolicyRecord } from '../iam-store.ts';
import type { XmlValue } from '../query-protocol.ts';
import type { AwsContext, QueryOperation } from '../service.ts';
import { deleteConflict, encodeDocument, findPolicy, noSuchEntity, requirePolicy } from './checks.ts';
import { pageOf } from './paging.ts';

export const managedPolicyLimit = { what: 'PolicySize', characters: 6144 };

/** Quota of IAM: a policy keeps five versions. */
const maxVersions = 5;

/** Versions of customer-managed policies. */
export function policyVersionOperations(context: AwsContext): Record<string, QueryOperation> {
  const { clock, iam } = context;
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
    CreatePolicyVersion: onPolicy('iam:CreatePolicyVersion', (policy, params) => {
      const document = params.required('PolicyDocument');
      requirePolicy(document, 'identity', managedPolicyLimit);
      if (policy.versions.length >= maxVersions) {
        throw new AwsFault(
          'LimitExceeded',
          `A managed policy can have up to ${maxVersions} versions. Before you create a new version, you must delete an existing version.`,
          409,
        );
      }
      const now = clock.now();
      const version = { id: `v${policy.nextVersion}`, document, createdAt: now };
      const defaultVersion = params.boolean('SetAsDefault') ? version.id : policy.defaultVersion;
      const updated = {
        ...policy,
        defaultVersion,
        updatedAt: now,
        versions: [...policy.versions, version],
        nextVersion: policy.nextVersion + 1,
      };
      iam.policies.set(policy.arn, updated);
      return { PolicyVersion: describeVersion(updated, version.id, false) };
    }),

    GetPolicyVersion: onPolicy('iam:GetPolicyVersion', (policy, params) => ({
      PolicyVersion: describeVersion(policy, params.required('VersionId'), true),
    })),

    ListPolicyVersions: onPolicy('iam:ListPolicyVersions', (policy, params) => {
      const { items, ...rest } = pageOf([...policy.versions].reverse(), params);
      return { Versions: items.map(({ id }) => describeVersion(policy, id, false)), ...rest };
    }),

    SetDefaultPolicyVersion: onPolicy('iam:SetDefaultPolicyVersion', (policy, params) => {
      const { id } = findVersion(policy, params.required('VersionId'));
      iam.policies.set(policy.arn, { ...policy, defaultVersion: id, updatedAt: clock.now() });
      return undefined;
    }),

    DeletePolicyVersion: onPolicy('iam:DeletePolicyVersion', (policy, params) => {
      const { id } = findVersion(policy, params.required('VersionId'));
      if (id === policy.defaultVersion) throw deleteConflict('Cannot delete the default version of a policy.');
      iam.policies.set(policy.arn, { ...policy, versions: policy.versions.filter((version) => version.id !== id) });
      return undefined;
    }),
  };
}

function findVersion(policy: PolicyRecord, id: string) {
  const version = policy.versions.find((candidate) => candidate.id === id);
  if (version === undefined)
    throw noSuchEntity(`Policy ${policy.arn} version ${id} does not exist or is not attachable.`);
  return version;
}

function describeVersion(policy: PolicyRecord, id: string, withDocument: boolean): XmlValue {
  const { document, createdAt } = findVersion(policy, id);
  return {
    Document: withDocument ? encodeDocument(document) : undefined,
    VersionId: id,
    IsDefaultVersion: id === policy.defaultVersion,
    CreateDate: new Date(createdAt),
  };
}
