import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The request as its signer saw it. */
export interface SignedRequest {
  method: string;
  /** Path and query as they came over the wire. */
  target: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What an AWS4-HMAC-SHA256 signature claims about itself, from the Authorization header or a presigned query. */
export interface SignatureClaim {
  accessKeyId: string;
  /** `YYYYMMDD` of the scope. */
  date: string;
  region: string;
  service: string;
  signedHeaders: readonly string[];
  signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  timestamp: string;
  sessionToken: string | undefined;
  /** Seconds that a presigned request is good for; undefined for a signed header. */
  expiresInSeconds: number | undefined;
}

export type ClaimFault = 'missing' | 'incomplete';

const algorithm = 'AWS4-HMAC-SHA256';

/** Reads the claim; `missing` when the request is not signed at all, `incomplete` when parts are absent or malformed. */
export function parseSignature({ headers, target }: SignedRequest): SignatureClaim | ClaimFault {
  const query = new URLSearchParams(target.split('?')[1] ?? '');
  if (query.has('X-Amz-Signature')) return presignedClaim(query);
  const { authorization } = headers;
  if (authorization === undefined) return 'missing';
  if (!authorization.startsWith(`${algorithm} `)) return 'incomplete';
  const fields = new Map(
    authorization
      .slice(algorithm.length)
      .split(',')
      .map((field): [string, string] => {
        const [name = '', ...value] = field.trim().split('=');
        return [name, value.join('=')];
      }),
  );
  return claimOf({
    credential: fields.get('Credential'),
    signedHeaders: fields.get('SignedHeaders'),
    signature: fields.get('Signature'),
    timestamp: headerText(headers, 'x-amz-date'),
    sessionToken: headerText(headers, 'x-amz-security-token'),
    expires: undefined,
  });
}

function presignedClaim(query: URLSearchParams): SignatureClaim | ClaimFault {
  if (query.get('X-Amz-Algorithm') !== algorithm) return 'incomplete';
  return claimOf({
    credential: query.get('X-Amz-Credential') ?? undefined,
    signedHeaders: query.get('X-Amz-SignedHeaders') ?? undefined,
    signature: query.get('X-Amz-Signature') ?? undefined,
    timestamp: query.get('X-Amz-Date') ?? undefined,
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    expires: query.get('X-Amz-Expires') ?? '0',
  });
}

interface ClaimParts {
  credential: string | undefined;
  signedHeaders: string | undefined;
  signature: string | undefined;
  timestamp: string | undefined;
  sessionToken: string | undefined;
  expires: string | undefined;
}

function claimOf(parts: ClaimParts): SignatureClaim | 'incomplete' {
  const [accessKeyId, date, region, service, terminator] = parts.credential?.split('/') ?? [];
  const { signature, timestamp } = parts;
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request') return 'incomplete';
  if (!parts.signedHeaders || !signature || timestamp === undefined || !/^\d{8}T\d{6}Z$/.test(timestamp))
    return 'incomplete';
  const signedHeaders = parts.signedHeaders.split(';');
  if (!signedHeaders.includes('host')) return 'incomplete';
  const { sessionToken } = parts;
  const expiresInSeconds = parts.expires === undefined ? undefined : Number(parts.expires);
  return { accessKeyId, date, region, service, signedHeaders, signature, timestamp, sessionToken, expiresInSeconds };
}

/** When the request says it was signed, in milliseconds since the epoch. */
export function signingTime({ timestamp: t }: SignatureClaim): number {
  return Date.UTC(
    +t.slice(0, 4),
    +t.slice(4, 6) - 1,
    +t.slice(6, 8),
    +t.slice(9, 11),
    +t.slice(11, 13),
    +t.slice(13, 15),
  );
}

/**
 * Whether the signature is the one that `secret` gives for this very request (AWS, "Create a signed AWS API request").
 * Every header that AWS wants covered must be among the signed ones, else it could be changed under way.
 */
export function signatureIsValid(request: SignedRequest, claim: SignatureClaim, secret: string): boolean {
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const canonical = canonicalRequest(request, claim);
  const stringToSign = [algorithm, claim.timestamp, scope, sha256(canonical)].join('\n');
  let key: Buffer | string = `AWS4${secret}`;
  for (const part of [claim.date, claim.region, claim.service, 'aws4_request']) {
    key = createHmac('sha256', key).update(part).digest();
  }
  const expected = createHmac('sha256', key).update(stringToSign).digest();
  const given = Buffer.from(claim.signature, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected) && claim.timestamp.startsWith(claim.date);
}

function canonicalRequest({ method, target, headers, body }: SignedRequest, claim: SignatureClaim): string {
  const [path = '/', query = ''] = target.split('?');
  return [
    method,
    // Every service but S3 encodes the path a second time.
    path.split('/').map(encode).join('/'),
    canonicalQuery(query),
    ...claim.signedHeaders.map((name) => `${name}:${(headerText(headers, name) ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    claim.signedHeaders.join(';'),
    sha256(body),
  ].join('\n');
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((pair) => pair !== '' && !pair.startsWith('X-Amz-Signature='))
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return `${encode(decode(name))}=${encode(decode(value.join('=')))}`;
    })
    .sort()
    .join('&');
}

function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** A malformed escape is taken as it is: no signer has made it, so the signature will not fit. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Percent-encoding of RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
