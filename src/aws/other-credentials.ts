/** Credentials that are neither of a ServiceAccount nor in the environment: Pod Identity's agent, profiles, the node's role. */
import { readFile } from 'node:fs/promises';
import { withDeadline } from '../base/deadline.ts';
import { errorMessage, MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { AwsEnvironment } from './environment.ts';
import type { AwsCredentials } from './identity.ts';

const agentTimeoutMs = 5000;
/** Where AWS says that the token may be sent without TLS: loopback, the ECS and the EKS agent. */
const agentHosts: ReadonlySet<string> = new Set([
  'localhost',
  '127.0.0.1',
  '[::1]',
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
]);

/** Asks the EKS Pod Identity agent. Throws AWS_UNREACHABLE and AWS_IDENTITY_INVALID. */
export async function podIdentityCredentials(
  { uri, tokenFile }: NonNullable<AwsEnvironment['podIdentity']>,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const url = new URL(uri);
  if (url.protocol !== 'https:' && !agentHosts.has(url.hostname)) {
    throw new MillraceError(
      'AWS_IDENTITY_INVALID',
      `the credentials address ${url.origin} is neither local nor https`,
      {
        retry: 'never',
      },
    );
  }
  try {
    const authorization = (await readFile(tokenFile, 'utf8')).trim();
    const answer = await withDeadline(signal, agentTimeoutMs, 'the Pod Identity agent', async (deadline) => {
      const response = await fetch(url, { headers: { authorization }, signal: deadline, redirect: 'error' });
      const body = await response.text();
      if (!response.ok) throw new Error(`HTTP ${response.status}: ${body.slice(0, 300)}`);
      return JSON.parse(body) as unknown;
    });
    return parseAgentAnswer(answer);
  } catch (cause) {
    throw new MillraceError('AWS_UNREACHABLE', `the Pod Identity agent at ${url.origin}: ${errorMessage(cause)}`, {
      cause,
      hint: 'The eks-pod-identity-agent add-on must run on the node, and an association must exist for the ServiceAccount.',
    });
  }
}

function parseAgentAnswer(answer: unknown): AwsCredentials {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = isRecord(answer) ? answer : {};
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string')
    throw new Error('no credentials in the answer');
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(typeof Token === 'string' && { sessionToken: Token }),
    ...(typeof Expiration === 'string' && { expiresAt: Date.parse(Expiration) }),
  };
}

/** Credentials of a profile in the AWS configuration files: keys, SSO, assumed role, process. */
export async function profileCredentials(profile: string): Promise<AwsCredentials> {
  const { fromIni } = await import('@aws-sdk/credential-provider-ini');
  try {
    return fromSdk(await fromIni({ profile })());
  } catch (cause) {
    throw new MillraceError('AWS_NO_CREDENTIALS', `AWS profile '${profile}': ${errorMessage(cause)}`, {
      cause,
      hint: 'Run `aws sso login` or check ~/.aws/config.',
    });
  }
}

/** Credentials of the node's instance profile by IMDSv2. */
export async function nodeRoleCredentials(): Promise<AwsCredentials> {
  const { fromInstanceMetadata } = await import('@smithy/credential-provider-imds');
  try {
    return fromSdk(await fromInstanceMetadata({ timeout: 2000, maxRetries: 2 })());
  } catch (cause) {
    throw new MillraceError(
      'AWS_NO_CREDENTIALS',
      `no EC2 IMDS role found (--allow-node-role is given): ${errorMessage(cause)}`,
      {
        cause,
        hint: 'Pods reach IMDS only with a hop limit of 2. Use a ServiceAccount role (IRSA) instead of the node role.',
      },
    );
  }
}

interface SdkCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  expiration?: Date | undefined;
}

function fromSdk({ accessKeyId, secretAccessKey, sessionToken, expiration }: SdkCredentials): AwsCredentials {
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(expiration !== undefined && { expiresAt: expiration.getTime() }),
  };
}
