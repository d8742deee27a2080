import type { EKSClient } from '@aws-sdk/client-eks';
import { MillraceError } from '../base/error.ts';
import type { AwsModel } from './aws-model.ts';
import { hasMadeByTag, madeByTag } from './made-by.ts';
import type { Step } from './plan.ts';

type Association = AwsModel['associations'][number];

/** Associations that are missing. Throws PROVISION_CONFLICT where a ServiceAccount has another role: its pods would lose it. */
export async function planAssociation(wanted: Association, eks: EKSClient, signal: AbortSignal): Promise<Step[]> {
  const aws = await import('@aws-sdk/client-eks');
  const present = await findAssociation(wanted, eks, signal);
  const { clusterName, namespace, serviceAccount, roleArn } = wanted;
  const what = `Pod Identity association of ${namespace}/${serviceAccount}`;
  if (present?.roleArn === roleArn) return [];
  if (present !== undefined) {
    throw new MillraceError('PROVISION_CONFLICT', `${what} has the role ${present.roleArn}, not ${roleArn}`, {
      hint: `Take it away first if nothing else needs it: aws eks delete-pod-identity-association --cluster-name ${clusterName} --association-id ${present.associationId}`,
      retry: 'never',
    });
  }
  const tags = { [madeByTag.Key]: madeByTag.Value };
  const input = { clusterName, namespace, serviceAccount, roleArn, tags };
  const run = async () =>
    void (await eks.send(new aws.CreatePodIdentityAssociationCommand(input), { abortSignal: signal }));
  return [{ action: 'create', what: `${what} with ${roleArn}`, run }];
}

export async function planAssociationRemoval(
  wanted: Association,
  eks: EKSClient,
  signal: AbortSignal,
): Promise<{ steps: Step[]; kept: string[] }> {
  const aws = await import('@aws-sdk/client-eks');
  const present = await findAssociation(wanted, eks, signal);
  if (present === undefined) return { steps: [], kept: [] };
  const what = `Pod Identity association of ${wanted.namespace}/${wanted.serviceAccount}`;
  const tags = Object.entries(present.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  if (!hasMadeByTag(tags)) return { steps: [], kept: [`${what}: it was there before`] };
  const input = { clusterName: wanted.clusterName, associationId: present.associationId };
  const run = async () =>
    void (await eks.send(new aws.DeletePodIdentityAssociationCommand(input), { abortSignal: signal }));
  return { steps: [{ action: 'delete', what, run }], kept: [] };
}

async function findAssociation(
  { clusterName, namespace, serviceAccount }: Association,
  eks: EKSClient,
  signal: AbortSignal,
) {
  const aws = await import('@aws-sdk/client-eks');
  const abort = { abortSignal: signal };
  const query = new aws.ListPodIdentityAssociationsCommand({ clusterName, namespace, serviceAccount });
  const { associations = [] } = await eks.send(query, abort);
  const first = associations.find((each) => each.namespace === namespace && each.serviceAccount === serviceAccount);
  if (first?.associationId === undefined) return undefined;
  const { associationId } = first;
  const described = new aws.DescribePodIdentityAssociationCommand({ clusterName, associationId });
  return (await eks.send(described, abort)).association;
}
