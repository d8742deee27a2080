import type { Credentials } from '@aws-sdk/client-sts';
import { withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import { textAt } from '../base/json.ts';
import { awsError } from './aws-error.ts';
import { clockAheadMs, signedBy } from './clock-skew.ts';
import type { AwsEndpoints } from './environment.ts';
import type { AwsCredentials, AwsIdentity, AwsSession } from './identity.ts';
import { sdkTransport } from './sdk-transport.ts';

/** No call to AWS takes longer than this, retries included, in milliseconds. */
export const awsCallTimeoutMs = 20_000;

export interface StsOptions {
  /** STS is regional: the region of the registry that the credentials are for. */
  region: string;
  endpoints: AwsEndpoints;
}

export interface WebIdentityRequest extends StsOptions {
  roleArn: string;
  sessionName: string;
  token: string;
  provider: AwsIdentity['provider'];
  /** Whose token it is, for messages: `service account flux-system/image-reflector-controller`. */
  subject: string;
}

/**
 * Exchanges a web identity token for credentials of a role (sts:AssumeRoleWithWebIdentity, unsigned).
 * Throws AWS_REFUSED with AWS's code and message, AWS_UNREACHABLE, and AWS_IDENTITY_INVALID for a token that is no JWT.
 */
export async function assumeRoleWithWebIdentity(request: WebIdentityRequest, signal: AbortSignal): Promise<AwsSession> {
  // A damaged token file would otherwise travel to AWS and come back as a riddle.
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(request.token)) {
    throw new MillraceError('AWS_IDENTITY_INVALID', `the web identity token of ${request.subject} is no JWT`);
  }
  const { AssumeRoleWithWebIdentityCommand } = await import('@aws-sdk/client-sts');
  const { client, clockAhead } = await stsClient(request);
  const operation = `STS AssumeRoleWithWebIdentity of ${request.roleArn} in ${request.region}`;
  const command = new AssumeRoleWithWebIdentityCommand({
    RoleArn: request.roleArn,
    RoleSessionName: request.sessionName,
    WebIdentityToken: request.token,
  });
  try {
    const answer = await withDeadline(signal, awsCallTimeoutMs, operation, (abortSignal) =>
      client.send(command, { abortSignal }),
    );
    return {
      credentials: credentialsOf(answer.Credentials, clockAhead()),
      identity: { provider: request.provider, arn: answer.AssumedRoleUser?.Arn ?? request.roleArn },
    };
  } catch (error) {
    throw awsError(error, operation, request.subject);
  } finally {
    client.destroy();
  }
}

export interface RoleRequest extends StsOptions {
  roleArn: string;
  sessionName: string;
  /** Who assumes it. */
  from: AwsSession;
}

/** Credentials of a role for who may assume it (sts:AssumeRole). Throws AWS_REFUSED and AWS_UNREACHABLE. */
export async function assumeRole(request: RoleRequest, signal: AbortSignal): Promise<AwsSession> {
  const { AssumeRoleCommand } = await import('@aws-sdk/client-sts');
  const { roleArn, sessionName, from } = request;
  const { client, clockAhead } = await stsClient(request, from.credentials);
  const operation = `STS AssumeRole of ${roleArn} in ${request.region}`;
  const command = new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName });
  try {
    const answer = await withDeadline(signal, awsCallTimeoutMs, operation, (abortSignal) =>
      client.send(command, { abortSignal }),
    );
    const credentials = credentialsOf(answer.Credentials, clockAhead());
    return { credentials, identity: { ...from.identity, arn: answer.AssumedRoleUser?.Arn ?? roleArn } };
  } catch (error) {
    throw awsError(error, operation, from.identity.arn);
  } finally {
    client.destroy();
  }
}

function credentialsOf(given: Credentials | undefined, clockAheadMs: number): AwsCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {};
  if (!AccessKeyId || !SecretAccessKey) throw new Error('the answer holds no credentials');
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(SessionToken && { sessionToken: SessionToken }),
    ...(Expiration && { expiresAt: Expiration.getTime() - clockAheadMs }),
    ...(clockAheadMs !== 0 && { clockAheadMs }),
  };
}

/** Whose credentials these are (sts:GetCallerIdentity, allowed to everybody), and how far AWS's clock is ahead of ours. */
export async function callerOf(
  credentials: AwsCredentials,
  options: StsOptions,
  signal: AbortSignal,
): Promise<{ arn: string; clockAheadMs: number }> {
  const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const { client, clockAhead } = await stsClient(options, credentials);
  const operation = `STS GetCallerIdentity in ${options.region}`;
  try {
    const answer = await withDeadline(signal, awsCallTimeoutMs, operation, (abortSignal) =>
      client.send(new GetCallerIdentityCommand({}), { abortSignal }),
    );
    if (!answer.Arn) throw new Error('the answer holds no ARN');
    return { arn: answer.Arn, clockAheadMs: clockAhead() };
  } catch (error) {
    throw awsError(error, operation, `access key ${credentials.accessKeyId}`);
  } finally {
    client.destroy();
  }
}

async function stsClient({ region, endpoints }: StsOptions, credentials?: AwsCredentials) {
  const { STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient({
    region,
    maxAttempts: 3,
    ...sdkTransport(endpoints),
    ...(endpoints.sts !== undefined && { endpoint: endpoints.sts }),
    // Without this the SDK would search the environment, and IMDS, for an unsigned call.
    ...signedBy(credentials ?? { accessKeyId: 'unsigned', secretAccessKey: 'unsigned' }),
  });
  let aheadMs = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      aheadMs = clockAheadMs(textAt(result.response, 'headers', 'date'), Date.now());
      return result;
    },
    { step: 'deserialize', name: 'clockAhead' },
  );
  return { client, clockAhead: () => aheadMs };
}
