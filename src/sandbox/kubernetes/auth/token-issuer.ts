import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isRecord } from '../../../base/json.ts';

/** What a service account token says of its bearer (`kubernetes.io` claims). */
export interface TokenSubject {
  namespace: string;
  serviceAccount: { name: string; uid: string };
  pod?: { name: string; uid: string };
  node?: { name: string; uid: string };
  secret?: { name: string; uid: string };
}

export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Signs service account tokens with the cluster's RSA key and checks them. */
export interface TokenIssuer {
  issue(subject: TokenSubject, audiences: readonly string[], issuer: string, seconds: number, now: number): IssuedToken;
  /** The claims of a token of ours that is valid now; undefined for any other. */
  check(token: string, issuer: string, now: number): Record<string, unknown> | undefined;
  /** The public keys, as served at /openid/v1/jwks. */
  jwks(): { keys: unknown[] };
}

/** Opens the issuer whose private key is kept in `keyFile`; makes one on the first start. */
export function openTokenIssuer(keyFile: string): TokenIssuer {
  const privateKey = loadKey(keyFile);
  const publicKey = createPublicKey(privateKey);
  const keyId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  const header = encode({ alg: 'RS256', kid: keyId });
  return {
    issue(subject, audiences, issuer, seconds, now) {
      const issuedAt = Math.floor(now / 1000);
      const claims = {
        aud: audiences,
        exp: issuedAt + seconds,
        iat: issuedAt,
        iss: issuer,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace: subject.namespace,
          ...(subject.node && { node: subject.node }),
          ...(subject.pod && { pod: subject.pod }),
          ...(subject.secret && { secret: subject.secret }),
          serviceaccount: subject.serviceAccount,
        },
        nbf: issuedAt,
        sub: `system:serviceaccount:${subject.namespace}:${subject.serviceAccount.name}`,
      };
      const signed = `${header}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), privateKey).toString('base64url');
      return { token: `${signed}.${signature}`, expiresAt: (issuedAt + seconds) * 1000 };
    },
    check(token, issuer, now) {
      const [head, payload, signature, ...more] = token.split('.');
      if (head === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
      const claims = decode(payload);
      if (claims === undefined || claims['iss'] !== issuer || decode(head)?.['alg'] !== 'RS256') return undefined;
      const seconds = now / 1000;
      if (Number(claims['exp']) <= seconds || Number(claims['nbf']) > seconds + 10) return undefined;
      const good = verify('sha256', Buffer.from(`${head}.${payload}`), publicKey, Buffer.from(signature, 'base64url'));
      return good ? claims : undefined;
    },
    jwks: () => ({ keys: [{ use: 'sig', kty: 'RSA', kid: keyId, alg: 'RS256', ...rsaParts(publicKey) }] }),
  };
}

function loadKey(keyFile: string): KeyObject {
  if (existsSync(keyFile)) return createPrivateKey(readFileSync(keyFile));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return privateKey;
}

function rsaParts(publicKey: KeyObject): { n?: string; e?: string } {
  const { n, e } = publicKey.export({ format: 'jwk' });
  return { ...(n && { n }), ...(e && { e }) };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
