import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import type { ObjectKey } from '../../base/kube-object.ts';

/** What a ServiceAccount token says. */
export interface TokenClaims {
  iss: string;
  sub: string;
  aud: string[];
  exp: number;
  iat: number;
  nbf: number;
  jti: string;
  'kubernetes.io': {
    namespace: string;
    serviceaccount: { name: string; uid: string };
    pod?: { name: string; uid: string };
  };
}

/** Signs and checks ServiceAccount tokens with the cluster's RSA key (RS256), which is kept in the data folder. */
export class TokenIssuer {
  readonly #key: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId: string;
  /** The issuer's URL, `iss` of every token. */
  readonly issuer: string;

  constructor(folder: string, issuer: string) {
    this.issuer = issuer;
    this.#key = loadKey(folder);
    this.#publicKey = createPublicKey(this.#key);
    const der = this.#publicKey.export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha256').update(der).digest('base64url');
  }

  issue(
    account: ObjectKey & { uid: string },
    audiences: readonly string[],
    seconds: number,
    pod?: { name: string; uid: string },
  ): string {
    const now = Math.floor(Date.now() / 1000);
    const claims: TokenClaims = {
      aud: [...audiences],
      exp: now + seconds,
      iat: now,
      iss: this.issuer,
      jti: crypto.randomUUID(),
      'kubernetes.io': {
        namespace: account.namespace,
        serviceaccount: { name: account.name, uid: account.uid },
        ...(pod === undefined ? {} : { pod }),
      },
      nbf: now,
      sub: `system:serviceaccount:${account.namespace}:${account.name}`,
    };
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg: 'RS256', kid: this.#keyId })}.${encode(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), this.#key).toString('base64url')}`;
  }

  /** The claims of a token of this issuer that is valid now and meant for the API, or undefined. */
  check(token: string): TokenClaims | undefined {
    const [header, payload, signature] = token.split('.');
    if (header === undefined || payload === undefined || signature === undefined) return undefined;
    const isSigned = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      this.#publicKey,
      Buffer.from(signature, 'base64url'),
    );
    if (!isSigned) return undefined;
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (!isRecord(claims) || typeof claims['exp'] !== 'number' || claims['exp'] * 1000 < Date.now()) return undefined;
    const audiences = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']];
    return audiences.includes(this.issuer) ? (claims as unknown as TokenClaims) : undefined;
  }

  /** OIDC discovery document (OpenID Connect Discovery 1.0 §3, the fields that Kubernetes serves). */
  discoveryDocument(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      jwks_uri: `${this.issuer}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }

  keys(): Record<string, unknown> {
    return { keys: [{ use: 'sig', alg: 'RS256', kid: this.#keyId, ...this.#publicKey.export({ format: 'jwk' }) }] };
  }
}

function loadKey(folder: string): KeyObject {
  const path = join(folder, 'service-account.key');
  if (existsSync(path)) return createPrivateKey(readFileSync(path));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return privateKey;
}
