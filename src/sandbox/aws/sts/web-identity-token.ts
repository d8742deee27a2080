import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import type { WebIdentityClaims } from '../../../iam/trust.ts';
import { AwsFault } from '../fault.ts';

/** The claims that STS reads of a token, before anything about it is proved. */
export interface UnverifiedToken {
  token: string;
  keyId: string | undefined;
  claims: WebIdentityClaims & { aud: readonly string[]; exp: number; iat: number; nbf: number | undefined };
}

const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];

/** Takes a token apart. Throws InvalidIdentityToken for what is not a JWT or lacks a claim. */
export function readToken(token: string): UnverifiedToken {
  let header: ReturnType<typeof decodeProtectedHeader>;
  let payload: ReturnType<typeof decodeJwt>;
  try {
    header = decodeProtectedHeader(token);
    payload = decodeJwt(token);
  } catch {
    throw invalidToken(
      'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
    );
  }
  const { iss, sub, aud, exp, iat, nbf } = payload;
  const audiences = typeof aud === 'string' ? [aud] : (aud ?? []);
  if (typeof iss !== 'string') throw missingClaim('iss');
  if (typeof sub !== 'string') throw missingClaim('sub');
  if (audiences.length === 0) throw missingClaim('aud');
  if (typeof exp !== 'number') throw missingClaim('exp');
  if (typeof iat !== 'number') throw missingClaim('iat');
  return { token, keyId: header.kid, claims: { iss, sub, aud: audiences, exp, iat, nbf } };
}

/** Checks the signature with the issuer's keys. Throws InvalidIdentityToken. */
export async function verifySignature({ token }: UnverifiedToken, keys: JSONWebKeySet): Promise<void> {
  try {
    await compactVerify(token, createLocalJWKSet(keys), { algorithms });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY')
      throw noVerificationKey();
    throw invalidToken('The web identity token provided could not be validated');
  }
}

/** Checks the times of a token: expiry without leeway, as STS does, its beginning with the usual clock skew. */
export function requireCurrent({ claims: { exp, iat, nbf } }: UnverifiedToken, nowMs: number): void {
  const now = Math.floor(nowMs / 1000);
  if (now >= exp) {
    // The missing space is AWS's.
    const message = `Token expired: current date/time ${now} must be before the expiration date/time${exp}`;
    throw new AwsFault('ExpiredTokenException', message);
  }
  const begins = Math.max(iat, nbf ?? 0);
  if (begins > now + skewSeconds) throw invalidToken('The web identity token provided is not valid yet');
}

const skewSeconds = 300;

export function invalidToken(message: string): AwsFault {
  return new AwsFault('InvalidIdentityToken', message);
}

export function noVerificationKey(): AwsFault {
  // Two spaces, as AWS writes it.
  return invalidToken(
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
  );
}

function missingClaim(claim: string): AwsFault {
  return invalidToken(`Missing a required claim: ${claim}`);
}
