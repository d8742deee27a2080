import { ECRClient } from '@aws-sdk/client-ecr';
import { IAMClient } from '@aws-sdk/client-iam';
import { awsModelOf } from '../../../provision/aws-model.ts';
import type { Installation } from '../../../provision/installation.ts';
import { demoNames } from '../demo-names.ts';
import type { FaultSite, PracticeFault } from './fault.ts';

/** Brings the fault in, and pushes the image that is not to arrive; returns variables that the controllers get besides. */
export async function injectFault(
  { inject, environment, pushes = [demoNames.nextTag] }: PracticeFault,
  site: Omit<FaultSite, 'iam' | 'ecr' | 'model'> & { installation: Installation },
): Promise<Record<string, string>> {
  const { sandbox, images, installation, signal } = site;
  const { url, account, accessKeyId, secretAccessKey } = sandbox.access.aws;
  const settings = { endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } };
  const [iam, ecr] = [new IAMClient(settings), new ECRClient(settings)];
  try {
    for (const tag of pushes) await images.push(tag, signal);
    const whole = { ...site, iam, ecr, model: awsModelOf(installation) };
    await inject?.(whole);
    return (await environment?.(whole)) ?? {};
  } finally {
    iam.destroy();
    ecr.destroy();
  }
}
