import { withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { ObjectKey } from '../base/kube-object.ts';
import { createHttpClient, type HttpRequest } from '../http/http-client.ts';
import { awsError } from './aws-error.ts';
import type { AwsEndpoints } from './environment.ts';
import type { AwsIdentities } from './identities.ts';
import { type AwsCredentials, type AwsSession, formatIdentity } from './identity.ts';
import { fitSessionName } from './session-name.ts';
import { dnsSuffix, newSigner } from './signer.ts';
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
  const body = JSON.stringify({
    CiphertextBlob: ciphertext.toString('base64'),
    KeyId: arn,
    ...(Object.keys(context).length === 0 ? {} : { EncryptionContext: context }),
  });
  const signer = await newSigner(credentials, 'kms', region);
  const headers = {
    host: url.host,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'TrentService.Decrypt',
  };
  const { protocol, hostname, port } = url;
  const request = { method: 'POST', protocol, hostname, path: '/', headers, body, query: {} };
  const signed = await signer.sign(port === '' ? request : { ...request, port: Number(port) });
  try {
    const answer = await withDeadline(signal, awsCallTimeoutMs, operation, (deadline) =>
      post({ url, headers: signed.headers, body, signal: deadline }, endpoints),
    );
    return Buffer.from(String(answer['Plaintext']), 'base64');
  } catch (error) {
    throw awsError(error, operation, formatIdentity(identity));
  }
}

async function post(request: HttpRequest, { proxy }: AwsEndpoints): Promise<Record<string, unknown>> {
  const http = createHttpClient(proxy === undefined ? {} : { proxy });
  try {
    const response = await http.send({ ...request, method: 'POST' });
    return plaintextOf(response.status, await response.text());
  } finally {
    await http.close({ force: true });
  }
}

function plaintextOf(status: number, text: string): Record<string, unknown> {
  const answer = parse(text);
  if (status === 200 && typeof answer['Plaintext'] === 'string') return answer;
  const type = String(answer['__type'] ?? 'Unknown');
  const message = String(answer['message'] ?? answer['Message'] ?? text.slice(0, 200));
  // In the form in which the SDK throws, so that it is read as every other answer of AWS.
  const error = Object.assign(new Error(message), { $metadata: { httpStatusCode: status } });
  error.name = type.slice(type.lastIndexOf('#') + 1);
  throw error;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
