import type { KubeObject } from '../base/kube-object.ts';
import type { EcrProfile, EcrScope } from '../iam/ecr-policy.ts';

/** One process of all controllers, or one for each with its own ServiceAccount. */
export type Topology = 'single' | 'split';

/** What is to be provisioned: one cluster, one git repository, the images that are scanned. */
export interface Installation {
  /** Beginning of the names of what is made in AWS. */
  namePrefix: string;
  aws: {
    partition: string;
    account: string;
    region: string;
  };
  /** The cluster's OIDC issuer, with its scheme. */
  issuer: string;
  /** SHA-1 thumbprint of an authority that IAM does not know by itself. */
  issuerThumbprint?: string;
  /** Namespace of the controllers. */
  namespace: string;
  /** Default `single`. */
  topology?: Topology;
  /** ECR repositories that are scanned: names or patterns. */
  repositories: readonly string[];
  /** Repositories of other accounts or regions that are scanned too. */
  foreign?: readonly EcrScope[];
  /** Repositories to create; patterns and foreign ones cannot be. */
  createRepositories: readonly string[];
  ecrProfile: EcrProfile;
  /** ARN of the SQS queue with push events, where there is one. */
  eventsQueueArn?: string;
  /** Make that queue, and the rule that sends ECR's push events to it. */
  createEvents?: boolean;
  /** How pods get the role. Default: `irsa`. */
  identity?: 'irsa' | 'pod-identity';
  /** Name of the EKS cluster; Pod Identity associations belong to it. */
  clusterName?: string;
  /** What source-controller fetches from ECR, by a role of its own. */
  pull?: {
    repositories: readonly string[];
    foreign: readonly EcrScope[];
    /** Prefixes of pull-through cache rules. */
    throughCache: readonly string[];
  };
  /** Delivery objects of images that git does not have. */
  delivery?: readonly KubeObject[];
  /** Flux by its operator: the spec of the FluxInstance, without the role patches. Absent: Millrace's own controllers. */
  fluxInstance?: Record<string, unknown>;
  git: {
    url: string;
    branch: string;
    /** Full name of a ref that is no branch, in the place of `branch`. */
    ref?: string;
    /** Folder that the cluster is synchronised from. */
    path: string;
    /** How often the repository is fetched. Default `1m0s`. */
    interval?: string;
    secretName: string;
    username: string;
    password: string;
    /** Data of the Secret in the place of user name and password: `bearerToken`, or `identity` and `known_hosts`. */
    secretData?: Readonly<Record<string, string>>;
  };
}
