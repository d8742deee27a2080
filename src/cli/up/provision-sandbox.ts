import { ECRClient } from '@aws-sdk/client-ecr';
import { IAMClient } from '@aws-sdk/client-iam';
import type { KubeClient } from '../../kube/client.ts';
import type { Installation } from '../../provision/installation.ts';
import { applyProvisioning, planProvisioning } from '../../provision/provision.ts';
import type { SandboxAccess } from '../../sandbox/sandbox-access.ts';

/** Provisions the sandbox as any account and cluster is provisioned; returns how many steps it took. */
export async function provisionSandbox(
  installation: Installation,
  access: SandboxAccess,
  kube: KubeClient,
  signal: AbortSignal,
): Promise<number> {
  const { url, account, accessKeyId, secretAccessKey } = access.aws;
  const settings = { endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } };
  const [iam, ecr] = [new IAMClient(settings), new ECRClient(settings)];
  try {
    const steps = await planProvisioning(installation, { iam, ecr, kube }, signal);
    await applyProvisioning(steps, () => {}, { allowWidening: true });
    return steps.length;
  } finally {
    iam.destroy();
    ecr.destroy();
  }
}
