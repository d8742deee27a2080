import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreatePodIdentityAssociationCommand, EKSClient } from '@aws-sdk/client-eks';
import { clusterName } from '../../../sandbox/sandbox.ts';
import type { FaultSite, PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

const audience = 'pods.eks.amazonaws.com';

export const podIdentityTrustPolicy: PracticeFault = {
  code: 'pod-identity-trust-policy',
  broken:
    "The reflector is associated with its role by EKS Pod Identity, and the role's trust policy is still that of IRSA: it does not trust pods.eks.amazonaws.com.",
  async inject(site) {
    await patch(site, objects.scanner, { metadata: { annotations: { 'eks.amazonaws.com/role-arn': null } } });
    await associate(site);
  },
  /** What the webhook of Pod Identity gives to a pod. */
  async environment({ sandbox, kube, dataDir, signal }) {
    const tokenFile = join(dataDir, 'eks-pod-identity-token');
    const { token } = await kube.requestToken(objects.scanner, { audiences: [audience] }, { signal });
    await writeFile(tokenFile, token, { mode: 0o600 });
    return {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${sandbox.access.aws.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
    };
  },
};

async function associate({ sandbox, model, signal }: FaultSite): Promise<void> {
  const { url, account, accessKeyId, secretAccessKey } = sandbox.access.aws;
  const credentials = { accessKeyId, secretAccessKey };
  const eks = new EKSClient({ endpoint: url, region: account.region, credentials });
  const { namespace, name } = objects.scanner;
  try {
    await eks.send(
      new CreatePodIdentityAssociationCommand({
        clusterName,
        namespace,
        serviceAccount: name,
        roleArn: model.role.arn,
      }),
      { abortSignal: signal },
    );
  } finally {
    eks.destroy();
  }
}
