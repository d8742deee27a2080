import type { ECRClient } from '@aws-sdk/client-ecr';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { FailureCode } from '../../../diagnose/doctor/codes.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { AwsModel } from '../../../provision/aws-model.ts';
import type { Topology } from '../../../provision/installation.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import type { ImageStore } from '../images.ts';

/** The files of the fleet repository, path → text. */
export type Files = Record<string, string>;

/** A sandbox that is provisioned and seeded and has no controllers yet: where a fault is brought in. */
export interface FaultSite {
  sandbox: Sandbox;
  kube: KubeClient;
  /** As the account's administrator. */
  iam: IAMClient;
  ecr: ECRClient;
  /** What was provisioned in AWS. */
  model: AwsModel;
  images: ImageStore;
  /** Folder of the sandbox, for files that the fault needs. */
  dataDir: string;
  signal: AbortSignal;
}

/**
 * A cause of a delivery that does not arrive, brought into a sandbox at the place where it would be in production: the
 * controllers, AWS and the cluster are the same as ever, and find it by themselves.
 */
export interface PracticeFault {
  /** The code that `millrace doctor` must find. */
  code: FailureCode | 'none';
  /** What was broken and where, in a sentence; shown only when asked for. */
  broken: string;
  /** The fleet as the fault has it. */
  files?(files: Files): Files;
  /** Tags that are in the registry when the controllers start, besides the first. Default: the next one. */
  pushes?: readonly string[];
  inject?(site: FaultSite): Promise<unknown>;
  /** Variables of the controllers that only the running sandbox knows. */
  environment?(site: FaultSite): Promise<Record<string, string>>;
  /** What happens once the controllers run. */
  afterStart?(site: Pick<FaultSite, 'kube' | 'model' | 'signal'>): Promise<unknown>;
  /** Where the fault shows only with a pod for every controller. */
  topology?: Topology;
  /** What the controllers are started with besides. */
  controllers?: { args?: readonly string[]; env?: Readonly<Record<string, string | undefined>> };
}
