import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { AttachedSignatures, SignedStatement } from './cosign-signatures.ts';

/** Whether one of the keys (PEM) made one of the signatures. Throws what Node says of a key that is none. */
export function isSignedByKey({ simple, statements }: AttachedSignatures, publicKeys: readonly string[]): boolean {
  const keys = publicKeys.map((pem) => createPublicKey(pem));
  const isMadeByOne = (data: Buffer, signature: string) => keys.some((key) => isSignature(key, data, signature));
  return (
    simple.some(({ payload, signature }) => isMadeByOne(payload, signature)) ||
    statements.some((statement) =>
      statement.signatures.some((signature) => isMadeByOne(preAuthenticated(statement), signature)),
    )
  );
}

/** DSSE: the signature is over the type and the body, each with its length. */
function preAuthenticated({ payload, payloadType }: SignedStatement): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

function isSignature(key: KeyObject, data: Buffer, signature: string): boolean {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : ecdsaHash(key);
  try {
    return verify(algorithm, data, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

function ecdsaHash(key: KeyObject): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return curve === 'secp384r1' ? 'sha384' : curve === 'secp521r1' ? 'sha512' : 'sha256';
}
