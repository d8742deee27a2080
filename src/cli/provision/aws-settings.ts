import { parseAwsEnvironment } from '../../aws/environment.ts';
import { profileCredentials } from '../../aws/sdk-credentials.ts';
import { sdkTransport } from '../../aws/sdk-transport.ts';
import type { CliContext } from '../context.ts';

/** The region to sign calls of IAM with, which is global, and of whatever names none itself. */
export function signingRegion({ env }: Pick<CliContext, 'env'>): string {
  return env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1';
}

/** How a person's commands reach AWS: keys of the environment, else the profile. IMDS is never asked. */
export async function awsSettings(
  region: string,
  service: 'iam' | 'ecr' | 'sts' | 'sqs' | 'eks' | 'events',
  { env }: CliContext,
) {
  const { staticKeys, profile, endpoints } = parseAwsEnvironment(env);
  const credentials = staticKeys ?? (await profileCredentials(profile ?? 'default', endpoints));
  const endpoint = endpoints[service];
  return { region, credentials, ...sdkTransport(endpoints), ...(endpoint === undefined ? {} : { endpoint }) };
}
