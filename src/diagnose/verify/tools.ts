import type { AwsSession } from '../../aws/identity.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { Registry } from '../../oci/registry.ts';
import type { RoleDocuments } from '../collect/aws-facts.ts';

/**
 * The doors that verifying goes through besides the cluster; each throws MillraceErrors. Everything reads only: a push is
 * tried as a dry run, and the exchange gives credentials that nobody keeps.
 */
export interface VerifyTools {
  /** Whether STS is at an address of its own, as a sandbox has it. */
  hasOwnSts: boolean;
  /** The exchange that the controller makes, with a token of its own ServiceAccount. */
  assumeRole(roleArn: string, token: string, region: string): Promise<AwsSession>;
  login(session: AwsSession, host: string): Promise<{ username: string; password: string; expiresAt: number }>;
  openRegistry(credential: { username: string; password: string }): Registry;
  /** A role by its name, with the credentials of whoever runs the command; asked for once. */
  readRole(name: string): Promise<RoleDocuments>;
  oidcProvider(arn: string): Promise<{ clientIds: string[]; thumbprints: string[] }>;
  /** Throws where ECR does not show the repository; with the credentials of whoever runs the command. */
  describeRepository(account: string, region: string, name: string): Promise<void>;
  /** How many messages wait in a queue of push events; with the credentials of whoever runs the command. */
  waitingMessages(queueUrl: string): Promise<number>;
  /** JSON of a public address. */
  fetchJson(url: string): Promise<unknown>;
  /** The commit that a GitRepository's reference is at now. */
  remoteHead(repository: KubeObject): Promise<string>;
  /** Tries a push to an automation's repository without sending anything. */
  tryPush(automation: KubeObject): Promise<void>;
  /** What the next run of an automation would commit: changed files, and markers that do nothing. */
  previewAutomation(automation: KubeObject): Promise<{ changes: number; findings: string[] }>;
}
