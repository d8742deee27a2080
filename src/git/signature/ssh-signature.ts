import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { SshWireReader, wireString } from './ssh-wire.ts';

/**
 * SSH signatures over git objects (OpenSSH PROTOCOL.sshsig): the armored blob names the key, and signs a preamble with
 * the namespace `git` and the hash of the payload. Verified here, without ssh-keygen.
 */
const magic = Buffer.from('SSHSIG');
const gitNamespace = 'git';

/** `SHA256:…` fingerprint of the key that made the signature, where it is one of `authorizedKeys`; undefined otherwise. */
export function verifySshSignature(
  armored: string,
  payload: Buffer,
  authorizedKeys: readonly string[],
): string | undefined {
  const signature = parseArmored(armored);
  if (signature === undefined || signature.namespace !== gitNamespace) return undefined;
  if (!allowedKeys(authorizedKeys).some((key) => key.equals(signature.publicKey))) return undefined;
  if (signature.hash !== 'sha512' && signature.hash !== 'sha256') return undefined;
  const signed = Buffer.concat([
    magic,
    wireString(gitNamespace),
    wireString(''),
    wireString(signature.hash),
    wireString(createHash(signature.hash).update(payload).digest()),
  ]);
  return isSignedBy(signature.publicKey, signature.signature, signed) ? sshFingerprint(signature.publicKey) : undefined;
}

/** `SHA256:` and the unpadded base64 of the key blob's hash, as OpenSSH prints it. */
export function sshFingerprint(publicKey: Buffer): string {
  return `SHA256:${createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '')}`;
}

interface ArmoredSignature {
  publicKey: Buffer;
  namespace: string;
  hash: string;
  signature: Buffer;
}

function parseArmored(text: string): ArmoredSignature | undefined {
  const body = /-----BEGIN SSH SIGNATURE-----([\s\S]*?)-----END SSH SIGNATURE-----/.exec(text)?.[1];
  if (body === undefined) return undefined;
  const data = Buffer.from(body.replace(/\s+/g, ''), 'base64');
  if (data.length < magic.length + 4 || !data.subarray(0, magic.length).equals(magic)) return undefined;
  const reader = new SshWireReader(data.subarray(magic.length));
  try {
    if (reader.uint32() !== 1) return undefined;
    const publicKey = reader.string();
    const namespace = reader.text();
    reader.string(); // reserved
    return { publicKey, namespace, hash: reader.text(), signature: reader.string() };
  } catch {
    return undefined;
  }
}

/** Key blobs of authorized_keys lines: options before the key type are allowed and do not matter here. */
function allowedKeys(lines: readonly string[]): Buffer[] {
  return lines.flatMap((line) => {
    const match = /(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-\S+)\s+([A-Za-z0-9+/=]+)/.exec(line);
    return line.trimStart().startsWith('#') || match?.[2] === undefined ? [] : [Buffer.from(match[2], 'base64')];
  });
}

function isSignedBy(publicKey: Buffer, blob: Buffer, data: Buffer): boolean {
  try {
    const key = new SshWireReader(publicKey);
    const reader = new SshWireReader(blob);
    const keyType = key.text();
    const algorithm = reader.text();
    const signature = reader.string();
    if (keyType === 'ssh-ed25519' && algorithm === keyType) return verify(null, data, ed25519Key(key), signature);
    if (keyType === 'ssh-rsa') return verifyRsa(key, algorithm, signature, data);
    if (keyType.startsWith('ecdsa-sha2-') && algorithm === keyType) return verifyEcdsa(key, signature, data);
    if (keyType === 'sk-ssh-ed25519@openssh.com' && algorithm === keyType) {
      return verifySecurityKey(key, reader, signature, data);
    }
    return false;
  } catch {
    return false;
  }
}

function ed25519Key(key: SshWireReader): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: key.string().toString('base64url') } });
}

/** RSA keys of less than 2048 bits and SHA-1 are not accepted. */
function verifyRsa(key: SshWireReader, algorithm: string, signature: Buffer, data: Buffer): boolean {
  const hash = { 'rsa-sha2-512': 'sha512', 'rsa-sha2-256': 'sha256' }[algorithm];
  if (hash === undefined) return false;
  const e = key.mpint();
  const n = key.mpint();
  if (n.length < 256) return false;
  const publicKey = createPublicKey({
    format: 'jwk',
    key: { kty: 'RSA', e: e.toString('base64url'), n: n.toString('base64url') },
  });
  return verify(hash, data, publicKey, signature);
}

const curves: Record<string, { crv: string; hash: string; bytes: number }> = {
  nistp256: { crv: 'P-256', hash: 'sha256', bytes: 32 },
  nistp384: { crv: 'P-384', hash: 'sha384', bytes: 48 },
  nistp521: { crv: 'P-521', hash: 'sha512', bytes: 66 },
};

function verifyEcdsa(key: SshWireReader, signature: Buffer, data: Buffer): boolean {
  const curve = curves[key.text()];
  const point = key.string();
  if (curve === undefined || point.length !== 1 + 2 * curve.bytes || point[0] !== 4) return false;
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: curve.crv,
      x: point.subarray(1, 1 + curve.bytes).toString('base64url'),
      y: point.subarray(1 + curve.bytes).toString('base64url'),
    },
  });
  const parts = new SshWireReader(signature);
  const fixed = [parts.mpint(), parts.mpint()].map((part) => {
    if (part.length > curve.bytes) throw new Error('signature part too long');
    return Buffer.concat([Buffer.alloc(curve.bytes - part.length), part]);
  });
  return verify(curve.hash, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.concat(fixed));
}

/** A hardware key signs: hash of the application, flags, counter, hash of the data (OpenSSH PROTOCOL.u2f). */
function verifySecurityKey(key: SshWireReader, rest: SshWireReader, signature: Buffer, data: Buffer): boolean {
  const publicKey = ed25519Key(key);
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  const signed = Buffer.concat([sha256(key.string()), rest.bytes(5), sha256(data)]);
  return verify(null, signed, publicKey, signature);
}
