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
  git: {
    url: string;
    branch: string;
    /** Folder that the cluster is synchronised from. */
    path: string;
    secretName: string;
    username: string;
    password: string;
    /** Data of the Secret in the place of user name and password: `bearerToken`, or `identity` and `known_hosts`. */
    secretData?: Readonly<Record<string, string>>;
  };
}
