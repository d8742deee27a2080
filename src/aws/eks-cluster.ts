import { withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import type { ObjectKey } from '../base/kube-object.ts';
import { awsError } from './aws-error.ts';
import { signedBy } from './clock-skew.ts';
import type { AwsEndpoints } from './environment.ts';
import type { AwsIdentities } from './identities.ts';
import { type AwsSession, formatIdentity } from './identity.ts';
import { sdkTransport } from './sdk-transport.ts';
import { dnsSuffix, newSigner } from './signer.ts';
import { awsCallTimeoutMs } from './sts.ts';

/** Where an EKS cluster is reached, and what proves that it is the one. */
export interface EksCluster {
  endpoint: string;
  /** PEM. */
  ca: string;
}

/** A bearer token that EKS takes. */
export interface EksToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** EKS clusters by ARN, as the controller or as a ServiceAccount. Throws AWS_REFUSED, AWS_UNREACHABLE, AWS_NO_CREDENTIALS. */
export interface EksClusters {
  describe(arn: string, serviceAccount: ObjectKey | undefined, signal: AbortSignal): Promise<EksCluster>;
  /** What `aws eks get-token` gives: a presigned sts:GetCallerIdentity that names the cluster. */
  token(arn: string, serviceAccount: ObjectKey | undefined, signal: AbortSignal): Promise<EksToken>;
}

const signatureSeconds = 60;
/** EKS takes a token for 15 minutes after it was signed. */
const tokenMs = 14 * 60_000;

export function createEksClusters(identities: AwsIdentities, endpoints: AwsEndpoints): EksClusters {
  const sessionOf = (region: string, serviceAccount: ObjectKey | undefined, signal: AbortSignal) =>
    serviceAccount === undefined
      ? identities.controller(region, signal)
      : identities.serviceAccount(serviceAccount, region, signal);
  return {
    async describe(arn, serviceAccount, signal) {
      const { region, name } = parseClusterArn(arn);
      return describeCluster(name, region, await sessionOf(region, serviceAccount, signal), endpoints, signal);
    },
    async token(arn, serviceAccount, signal) {
      const { region, name } = parseClusterArn(arn);
      const { credentials } = await sessionOf(region, serviceAccount, signal);
      const signer = await newSigner(credentials, 'sts', region);
      const host = `sts.${region}.${dnsSuffix(region)}`;
      const signed = await signer.presign(
        {
          method: 'GET',
          protocol: 'https:',
          hostname: host,
          path: '/',
          query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
          headers: { host, 'x-k8s-aws-id': name },
        },
        // Among the signed headers: otherwise a token for one cluster would do for another.
        { expiresIn: signatureSeconds, unhoistableHeaders: new Set(['x-k8s-aws-id']) },
      );
      const query = Object.entries(signed.query ?? {}).map(
        ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`,
      );
      const url = `https://${host}/?${query.join('&')}`;
      const token = `k8s-aws-v1.${Buffer.from(url).toString('base64url')}`;
      return { token, expiresAt: Date.now() + tokenMs };
    },
  };
}

/** Throws BAD_INPUT. */
function parseClusterArn(arn: string): { region: string; name: string } {
  const [, region, name] = /^arn:[\w-]+:eks:([\w-]+):\d+:cluster\/([\w-]+)$/.exec(arn) ?? [];
  if (region !== undefined && name !== undefined) return { region, name };
  throw new MillraceError('BAD_INPUT', `'${arn}' is no ARN of an EKS cluster`, {
    retry: 'never',
    hint: 'It has the form arn:aws:eks:REGION:ACCOUNT:cluster/NAME.',
  });
}

async function describeCluster(
  name: string,
  region: string,
  { credentials, identity }: AwsSession,
  endpoints: AwsEndpoints,
  signal: AbortSignal,
): Promise<EksCluster> {
  const { DescribeClusterCommand, EKSClient } = await import('@aws-sdk/client-eks');
  const client = new EKSClient({
    region,
    ...signedBy(credentials),
    maxAttempts: 3,
    ...sdkTransport(endpoints),
    ...(endpoints.eks !== undefined && { endpoint: endpoints.eks }),
  });
  const operation = `EKS DescribeCluster of ${name} in ${region}`;
  try {
    const { cluster } = await withDeadline(signal, awsCallTimeoutMs, operation, (abortSignal) =>
      client.send(new DescribeClusterCommand({ name }), { abortSignal }),
    );
    const ca = cluster?.certificateAuthority?.data;
    if (!cluster?.endpoint || !ca)
      throw new Error(`the cluster is ${cluster?.status ?? 'unknown'}: it has no endpoint`);
    return { endpoint: cluster.endpoint, ca: Buffer.from(ca, 'base64').toString('utf8') };
  } catch (error) {
    throw awsError(error, operation, formatIdentity(identity));
  } finally {
    client.destroy();
  }
}
