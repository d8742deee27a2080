import type { Clock } from '../../base/clock.ts';
import type { AwsAccount } from './account.ts';
import { AwsFault } from './fault.ts';
import type { IamStore } from './iam-store.ts';
import { type Identity, sessionIdentity, unknownCredentials, userIdentity } from './identity.ts';
import type { KeyRing } from './key-ring.ts';
import { parseSignature, type SignatureClaim, type SignedRequest, signatureIsValid, signingTime } from './sigv4.ts';

export interface AuthenticateDeps {
  account: AwsAccount;
  clock: Clock;
  keys: KeyRing;
  iam: IamStore;
}

const skewMinutes = 5;

/**
 * Checks the SigV4 signature of a call and says who made it. The faults carry the codes of the query protocol (STS, IAM);
 * the JSON services name some of them otherwise, see json-protocol.ts.
 */
export function authenticate(request: SignedRequest, service: string, deps: AuthenticateDeps): Identity {
  const { account, clock, keys, iam } = deps;
  const claim = parseSignature(request);
  if (claim === 'missing') {
    throw new AwsFault('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  }
  if (claim === 'incomplete') {
    throw new AwsFault('IncompleteSignature', 'Request must contain a complete AWS4-HMAC-SHA256 signature', 400);
  }
  requireScope(claim, service, account.region);

  const temporary = claim.accessKeyId.startsWith('ASIA');
  const session = temporary ? keys.openSession(claim.sessionToken ?? '', claim.accessKeyId) : undefined;
  const userKey = temporary ? undefined : keys.userKey(claim.accessKeyId);
  const secret = session === undefined ? userKey?.secretAccessKey : keys.sessionSecret(claim.accessKeyId);
  if (secret === undefined) throw unknownCredentials();

  requireFresh(claim, clock.now());
  if (!signatureIsValid(request, claim, secret)) {
    throw new AwsFault(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      403,
    );
  }
  if (session !== undefined && session.expiresAt <= clock.now()) {
    throw new AwsFault('ExpiredToken', 'The security token included in the request is expired', 403);
  }
  const identity =
    session === undefined
      ? userIdentity(iam, userKey?.userName ?? '', account.id)
      : sessionIdentity(iam, session, account.id);
  if (identity === undefined) throw unknownCredentials();
  return identity;
}

function requireScope(claim: SignatureClaim, service: string, region: string): void {
  if (claim.service !== service) {
    throw new AwsFault('SignatureDoesNotMatch', `Credential should be scoped to correct service: '${service}'. `, 403);
  }
  // IAM is a global service: it is signed for us-east-1, whatever the region of everything else.
  if (claim.region !== region && !(service === 'iam' && claim.region === 'us-east-1')) {
    throw new AwsFault(
      'SignatureDoesNotMatch',
      `Credential should be scoped to a valid region, not '${claim.region}'. `,
      403,
    );
  }
}

/** A signature is good for 5 minutes either way; a presigned request from its date for as long as it says. */
function requireFresh(claim: SignatureClaim, now: number): void {
  const signedAt = signingTime(claim);
  const skewMs = skewMinutes * 60_000;
  const earliest = now - (claim.expiresInSeconds === undefined ? skewMs : claim.expiresInSeconds * 1000);
  if (signedAt < earliest) {
    throw new AwsFault(
      'SignatureDoesNotMatch',
      `Signature expired: ${claim.timestamp} is now earlier than ${compact(earliest)} (${compact(now)} - ${skewMinutes} min.)`,
      403,
    );
  }
  if (signedAt > now + skewMs) {
    throw new AwsFault(
      'SignatureDoesNotMatch',
      `Signature not yet current: ${claim.timestamp} is still later than ${compact(now + skewMs)} (${compact(now)} + ${skewMinutes} min.)`,
      403,
    );
  }
}

/** `YYYYMMDDTHHMMSSZ`. */
function compact(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
