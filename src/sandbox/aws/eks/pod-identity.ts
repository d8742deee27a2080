import { randomBytes } from 'node:crypto';
import { AwsFault } from '../fault.ts';
import { requiredText, textMap } from '../json-input.ts';
import type { RestRoute } from '../service.ts';
import { clusterArn, type EksContext, findCluster, notFound, type PodIdentityAssociation } from './eks-context.ts';

/** Associations of ServiceAccounts with roles: create, describe, list, delete. */
export function podIdentityRoutes(context: EksContext): RestRoute[] {
  const { account, associations, clock } = context;
  const collection = /^\/clusters\/([^/]+)\/pod-identity-associations$/;
  const single = /^\/clusters\/([^/]+)\/pod-identity-associations\/([^/]+)$/;
  const arnOf = (cluster: string, id: string) =>
    `arn:${account.partition}:eks:${account.region}:${account.id}:podidentityassociation/${cluster}/${id}`;
  const find = (cluster: string, id: string) => {
    const association = associations.get(id);
    if (association?.cluster === cluster) return association;
    throw notFound(`No pod identity association found for id: ${id}.`);
  };

  return [
    {
      method: 'POST',
      path: collection,
      operation: 'CreatePodIdentityAssociation',
      run([cluster = ''], input, call) {
        call.require('eks:CreatePodIdentityAssociation', clusterArn(context, cluster));
        findCluster(context, cluster);
        const namespace = requiredText(input, 'namespace');
        const serviceAccount = requiredText(input, 'serviceAccount');
        const roleArn = requiredText(input, 'roleArn');
        const present = findAssociation(context, cluster, { namespace, name: serviceAccount });
        if (present !== undefined) {
          throw new AwsFault('ResourceInUseException', `Association already exists: ${present.id}`, 409);
        }
        const id = `a-${randomBytes(10).toString('hex').slice(0, 17)}`;
        const arn = arnOf(cluster, id);
        const tags = textMap(input, 'tags') ?? {};
        const association = { id, arn, cluster, namespace, serviceAccount, roleArn, tags, createdAt: clock.now() };
        associations.set(id, association);
        return { association: describe(association) };
      },
    },
    {
      method: 'GET',
      path: collection,
      operation: 'ListPodIdentityAssociations',
      run([cluster = ''], _input, call) {
        call.require('eks:ListPodIdentityAssociations', clusterArn(context, cluster));
        findCluster(context, cluster);
        const all = [...associations.values()].filter((association) => association.cluster === cluster);
        return { associations: all.map(describe) };
      },
    },
    {
      method: 'GET',
      path: single,
      operation: 'DescribePodIdentityAssociation',
      run([cluster = '', id = ''], _input, call) {
        call.require('eks:DescribePodIdentityAssociation', arnOf(cluster, id));
        return { association: describe(find(cluster, id)) };
      },
    },
    {
      method: 'DELETE',
      path: single,
      operation: 'DeletePodIdentityAssociation',
      run([cluster = '', id = ''], _input, call) {
        call.require('eks:DeletePodIdentityAssociation', arnOf(cluster, id));
        const association = find(cluster, id);
        associations.delete(id);
        return { association: describe(association) };
      },
    },
  ];
}

/** The association of a ServiceAccount. */
export function findAssociation(
  { associations }: EksContext,
  cluster: string,
  { namespace, name }: { namespace: string; name: string },
): PodIdentityAssociation | undefined {
  return [...associations.values()].find(
    (association) =>
      association.cluster === cluster && association.namespace === namespace && association.serviceAccount === name,
  );
}

function describe({
  id,
  arn,
  cluster,
  namespace,
  serviceAccount,
  roleArn,
  tags,
  createdAt,
}: PodIdentityAssociation): object {
  return {
    associationId: id,
    associationArn: arn,
    clusterName: cluster,
    namespace,
    serviceAccount,
    roleArn,
    createdAt: createdAt / 1000,
    modifiedAt: createdAt / 1000,
    tags: tags ?? {},
  };
}
