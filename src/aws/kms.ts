import { withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import type { ObjectKey } from '../base/kube-object.ts';
import { awsError } from './aws-error.ts';
import type { AwsEndpoints } from './environment.ts';
import type { AwsIdentities } from './identities.ts';
import { type AwsCredentials, type AwsSession, formatIdentity } from './identity.ts';
import { fitSessionName } from './session-name.ts';
import { signedJson } from './signed-json.ts';
import { dnsSuffix } from './signer.ts';
import { assumeRole, awsCallTimeoutMs } from './sts.ts';

export interface KmsRequest {
  /** ARN of the key, from which the region is taken. */
  arn: string;
  ciphertext: Buffer;
  /** Encryption context: must be the one that was used to encrypt. */
  context: Readonly<Record<string, string>>;
  /** Role to assume first. */
  role?: string;
  /** Keys to use in the place of any identity. */
  credentials?: AwsCredentials;
  /** Whose identity to use; that of the controller where left out. */
  serviceAccount?: ObjectKey;
}

/** kms:Decrypt. Throws AWS_REFUSED, AWS_UNREACHABLE, AWS_NO_CREDENTIALS, and BAD_INPUT for what is no ARN of a key. */
export type KmsDecrypter = (request: KmsRequest, signal: AbortSignal) => Promise<Buffer>;

export function createKmsDecrypter(identities: AwsIdentities, endpoints: AwsEndpoints): KmsDecrypter {
  return async (request, signal) => {
    const region = regionOf(request.arn);
    const base = await baseSession(request, region, identities, signal);
    const session =
      request.role === undefined
        ? base
        : await assumeRole(
            {
              roleArn: request.role,
              sessionName: fitSessionName(`sops@${region}`),
              from: base,
              region,
              endpoints,
            },
            signal,
          );
    return decrypt(request, region, session, endpoints, signal);
  };
}

function regionOf(arn: string): string {
  const region = /^arn:[\w-]+:kms:([\w-]+):\d+:(?:key|alias)\/.+$/.exec(arn)?.[1];
  if (region !== undefined) return region;
  throw new MillraceError('BAD_INPUT', `'${arn}' is no ARN of a KMS key`, { retry: 'never' });
}

async function baseSession(
  { credentials, serviceAccount }: KmsRequest,
  region: string,
  identities: AwsIdentities,
  signal: AbortSignal,
): Promise<AwsSession> {
  if (credentials !== undefined) {
    return { credentials, identity: { provider: 'static', arn: `access key ${credentials.accessKeyId}` } };
  }
  return serviceAccount === undefined
    ? identities.controller(region, signal)
    : identities.serviceAccount(serviceAccount, region, signal);
}

async function decrypt(
  { arn, ciphertext, context }: KmsRequest,
  region: string,
  { credentials, identity }: AwsSession,
  endpoints: AwsEndpoints,
  signal: AbortSignal,
): Promise<Buffer> {
  const operation = `KMS Decrypt with ${arn}`;
  const url = new URL(endpoints.kms ?? `https://kms.${region}.${dnsSuffix(region)}`);
  const input = {
    CiphertextBlob: ciphertext.toString('base64'),
    KeyId: arn,
    ...(Object.keys(context).length === 0 ? {} : { EncryptionContext: context }),
  };
  const call = { url, service: 'kms', region, target: 'TrentService.Decrypt', input, proxy: endpoints.proxy };
  try {
    const answer = await withDeadline(signal, awsCallTimeoutMs, operation, (deadline) =>
      signedJson(call, credentials, deadline),
    );
    if (typeof answer['Plaintext'] !== 'string') throw new Error('the answer has no Plaintext');
    return Buffer.from(answer['Plaintext'], 'base64');
  } catch (error) {
    throw awsError(error, operation, formatIdentity(identity));
  }
}
