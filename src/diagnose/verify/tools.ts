import type { AwsSession } from '../../aws/identity.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { Policy, PolicyDocument } from '../../iam/policy-document.ts';
import type { Registry } from '../../oci/registry.ts';

/** A role as IAM shows it to whoever verifies. */
export interface RoleDocuments {
  trust: PolicyDocument;
  policies: Policy[];
  boundary?: Policy;
}

/**
 * The doors that verifying goes through besides the cluster; each throws MillraceErrors. Everything reads only: a push is
 * tried as a dry run, and the exchange gives credentials that nobody keeps.
 */
export interface VerifyTools {
  /** The exchange that the controller makes, with a token of its own ServiceAccount. */
  assumeRole(roleArn: string, token: string, region: string): Promise<AwsSession>;
  login(session: AwsSession, host: string): Promise<{ username: string; password: string; expiresAt: number }>;
  openRegistry(credential: { username: string; password: string }): Registry;
  /** With the credentials of whoever runs the command. */
  readRole(roleArn: string): Promise<RoleDocuments>;
  oidcProvider(arn: string): Promise<{ clientIds: string[] }>;
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
