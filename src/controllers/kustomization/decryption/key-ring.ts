import { errorMessage } from '../../../base/error.ts';
import type { ObjectKey } from '../../../base/kube-object.ts';
import { sopsError } from './sops-error.ts';
import type { EncryptedDataKey } from './sops-metadata.ts';

/** Credentials for AWS KMS out of the decryption Secret (`sops.aws-kms`). */
export interface StaticAwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface KmsDecryptRequest {
  arn: string;
  ciphertext: Buffer;
  context: Record<string, string>;
  /** Role to assume first, where the file names one. */
  role?: string;
  credentials?: StaticAwsCredentials;
  /** Whose identity to use where there are no credentials; that of the controller where left out. */
  serviceAccount?: ObjectKey;
}

/** Decrypts with AWS KMS. */
export type KmsDecrypt = (request: KmsDecryptRequest, signal: AbortSignal) => Promise<Buffer>;

/** The keys that a Kustomization may decrypt with. */
export interface KeyMaterial {
  ageIdentities: string[];
  pgpPrivateKeys: string[];
  aws?: StaticAwsCredentials;
  /** Whose cloud identity opens keys of a cloud that the Secret has no credentials for. */
  serviceAccount?: ObjectKey;
}

export interface KeyRing {
  /** The data key, or undefined where no key of the ring fits. Throws for one that should fit and does not open it. */
  open(key: EncryptedDataKey, signal: AbortSignal): Promise<Buffer | undefined>;
}

/** Unwraps data keys. The libraries are loaded when first needed. */
export function createKeyRing(material: KeyMaterial, kmsDecrypt?: KmsDecrypt): KeyRing {
  return {
    async open(key, signal) {
      switch (key.provider) {
        case 'age':
          return material.ageIdentities.length === 0 ? undefined : openAge(key, material.ageIdentities);
        case 'pgp':
          return material.pgpPrivateKeys.length === 0 ? undefined : openPgp(key, material.pgpPrivateKeys);
        case 'kms':
          return kmsDecrypt === undefined ? undefined : kmsDecrypt(kmsRequest(key, material), signal);
        default:
          throw sopsError(`${key.provider} is not supported`, {
            hint: 'Encrypt the data key for age, PGP or AWS KMS as well (sops updatekeys).',
          });
      }
    },
  };
}

async function openAge({ enc }: EncryptedDataKey, identities: readonly string[]): Promise<Buffer> {
  const age = await import('age-encryption');
  const decrypter = new age.Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  return Buffer.from(await decrypter.decrypt(age.armor.decode(enc.trim())));
}

async function openPgp({ enc }: EncryptedDataKey, privateKeys: readonly string[]): Promise<Buffer> {
  const openpgp = await import('openpgp');
  const decryptionKeys = [];
  for (const armoredKey of privateKeys) decryptionKeys.push(await openpgp.readPrivateKey({ armoredKey }));
  const message = await openpgp.readMessage({ armoredMessage: enc });
  const { data } = await openpgp.decrypt({ message, decryptionKeys, format: 'binary' });
  return Buffer.from(data as Uint8Array);
}

function kmsRequest(
  { recipient, enc, fields }: EncryptedDataKey,
  { aws, serviceAccount }: KeyMaterial,
): KmsDecryptRequest {
  const context = Object.entries((fields['context'] ?? {}) as Record<string, unknown>);
  const role = fields['role'];
  return {
    arn: recipient,
    ciphertext: Buffer.from(enc, 'base64'),
    context: Object.fromEntries(context.map(([name, value]) => [name, String(value)])),
    ...(typeof role === 'string' && role !== '' ? { role } : {}),
    ...(aws === undefined ? {} : { credentials: aws }),
    ...(aws !== undefined || serviceAccount === undefined ? {} : { serviceAccount }),
  };
}

/** What went wrong with one key, in a form that holds no secret. */
export function describeKeyFault({ provider, recipient }: EncryptedDataKey, error: unknown): string {
  return `${provider} ${recipient}: ${error === undefined ? 'no key given' : errorMessage(error)}`;
}
