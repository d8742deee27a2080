import { parseAwsEnvironment } from '../../aws/environment.ts';
import { profileCredentials } from '../../aws/other-credentials.ts';
import { sdkTransport } from '../../aws/sdk-transport.ts';
import type { CliContext } from '../context.ts';

/** How a person's commands reach AWS: keys of the environment, else the profile. IMDS is never asked. */
export async function awsSettings(
  region: string,
  service: 'iam' | 'ecr' | 'sts' | 'sqs' | 'eks' | 'events',
  { env }: CliContext,
) {
  const { staticKeys, profile, endpoints } = parseAwsEnvironment(env);
  const credentials = staticKeys ?? (await profileCredentials(profile ?? 'default'));
  const endpoint = endpoints[service];
  return { region, credentials, ...sdkTransport(endpoints), ...(endpoint === undefined ? {} : { endpoint }) };
}
