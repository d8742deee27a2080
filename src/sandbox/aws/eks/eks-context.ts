import type { PersistentMap } from '../../persistent-map.ts';
import { AwsFault } from '../fault.ts';
import type { AwsContext } from '../service.ts';
import type { VerificationKeys } from '../sts/verification-keys.ts';

/** The cluster that the account has, as EKS describes it. */
export interface ClusterInfo {
  name: string;
  /** URL of its API. */
  endpoint: string;
  caPem: string;
  /** Issuer of its ServiceAccount tokens. */
  issuer: string;
  /** Kubernetes version, `1.36`. */
  version: string;
}

/** Which role a ServiceAccount's pods get from EKS Pod Identity (spec/provisioning.md §7). */
export interface PodIdentityAssociation {
  id: string;
  arn: string;
  cluster: string;
  namespace: string;
  serviceAccount: string;
  roleArn: string;
  /** Absent where an earlier version kept the association. */
  tags?: Record<string, string>;
  createdAt: number;
}

export interface EksContext extends AwsContext {
  /** Undefined where AWS runs by itself. */
  cluster: ClusterInfo | undefined;
  associations: PersistentMap<PodIdentityAssociation>;
  verificationKeys: VerificationKeys;
}

export function clusterArn({ account }: AwsContext, name: string): string {
  return `arn:${account.partition}:eks:${account.region}:${account.id}:cluster/${name}`;
}

/** Throws ResourceNotFoundException. */
export function findCluster({ cluster }: EksContext, name: string): ClusterInfo {
  if (cluster?.name === name) return cluster;
  throw notFound(`No cluster found for name: ${name}.`);
}

export function notFound(message: string): AwsFault {
  return new AwsFault('ResourceNotFoundException', message, 404);
}
