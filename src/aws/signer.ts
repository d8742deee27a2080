import { createHash, createHmac } from 'node:crypto';
import type { SignatureV4 as SdkSigner } from '@smithy/signature-v4';
import type { AwsCredentials } from './identity.ts';

/** Node's hashes in the form that the signer wants. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

type Presign = Parameters<SdkSigner['presign']>;

/** Signs by AWS's clock, where it was noticed that ours is off. */
export interface Signer {
  sign(request: Presign[0]): ReturnType<SdkSigner['presign']>;
  presign: SdkSigner['presign'];
}

/** The SDK's own signer, for the calls that have no client here: presigned ones, and those of services used for one call only. */
export async function newSigner(credentials: AwsCredentials, service: string, region: string): Promise<Signer> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  // S3 alone signs paths as they are sent (AWS Signature Version 4, canonical URI).
  const uriEscapePath = service !== 's3';
  const signer = new SignatureV4({ credentials, service, region, sha256: Sha256 as never, uriEscapePath });
  const signingDate = () => new Date(Date.now() + (credentials.clockAheadMs ?? 0));
  return {
    sign: (request) => signer.sign(request, { signingDate: signingDate() }),
    presign: (request, options = {}) => signer.presign(request, { signingDate: signingDate(), ...options }),
  };
}

/** What AWS's names of a partition end in. */
export function dnsSuffix(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}
