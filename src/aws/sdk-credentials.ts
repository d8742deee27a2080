/** Credentials that the SDK's own providers find: profiles for people, the node's role. */
import { errorMessage, isMillraceError, MillraceError } from '../base/error.ts';
import type { AwsEndpoints } from './environment.ts';
import type { AwsCredentials } from './identity.ts';
import { sdkTransport } from './sdk-transport.ts';

/**
 * Credentials of a profile in the AWS configuration files: keys, SSO, assumed role, process. What has to be asked for them
 * is asked through the proxy of `endpoints`.
 */
export async function profileCredentials(profile: string, endpoints: AwsEndpoints): Promise<AwsCredentials> {
  const { fromIni } = await import('@aws-sdk/credential-provider-ini');
  const clientConfig = sdkTransport(endpoints);
  try {
    return fromSdk(await fromIni({ profile, clientConfig })());
  } catch (cause) {
    throw new MillraceError('AWS_NO_CREDENTIALS', `AWS profile '${profile}': ${errorMessage(cause)}`, {
      cause,
      hint: 'Run `aws sso login` or check ~/.aws/config.',
    });
  } finally {
    clientConfig.requestHandler?.destroy();
  }
}

/** Those of the profile `default`, as AWS's own tools take them where nothing is named; undefined where there is none. */
export async function defaultProfileCredentials(endpoints: AwsEndpoints): Promise<AwsCredentials | undefined> {
  try {
    return await profileCredentials('default', endpoints);
  } catch (error) {
    if (isMillraceError(error) && /^Could not resolve credentials using profile/.test(errorMessage(error.cause)))
      return undefined;
    throw error;
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
