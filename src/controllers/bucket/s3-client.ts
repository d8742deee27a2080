import type { AwsCredentials } from '../../aws/identity.ts';
import { newSigner } from '../../aws/signer.ts';
import { isMillraceError, MillraceError } from '../../base/error.ts';
import { retry } from '../../base/retry.ts';
import type { HttpClient, HttpResponse } from '../../http/http-client.ts';
import { retryAfterMs } from '../../http/http-status.ts';
import { parseError, parseListing, type S3Object } from './s3-listing.ts';

export interface S3Options {
  http: HttpClient;
  /** `https://host[:port]`. */
  endpoint: string;
  bucket: string;
  /** Found out from the server's answer where left out. */
  region?: string | undefined;
  /** Undefined for a bucket that anybody may read. Asked anew for a region that turns out to be another. */
  credentials(region: string, signal: AbortSignal): Promise<AwsCredentials | undefined>;
  /** Wait before the second attempt. Default 500 ms. */
  retryDelayMs?: number;
}

/** The reading half of one bucket's S3 API. All of it throws BUCKET_REFUSED, BUCKET_NOT_FOUND and HTTP_UNREACHABLE. */
export interface S3Client {
  /** Whether the bucket is there. */
  exists(signal: AbortSignal): Promise<boolean>;
  /** Every object below a prefix, in pages of a thousand. */
  list(prefix: string, signal: AbortSignal): AsyncGenerator<S3Object>;
  /** The bytes of an object; undefined where it is gone. With `etag`, BUCKET_CHANGED where it is another by now. */
  get(key: string, options: { signal: AbortSignal; etag?: string }): Promise<HttpResponse | undefined>;
}

interface S3Request {
  method: 'GET' | 'HEAD';
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  signal: AbortSignal;
}

const attempts = 4;
const maxListingBytes = 16 * 1024 * 1024;
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export function createS3Client(options: S3Options): S3Client {
  const site = siteOf(options);
  let region = options.region || regionOfHost(options.endpoint) || 'us-east-1';

  const sendOnce = async ({ method, key = '', query = {}, headers = {}, signal }: S3Request) => {
    const credentials = await options.credentials(region, signal);
    const request = {
      method,
      protocol: site.url.protocol,
      hostname: site.url.hostname,
      ...(site.url.port === '' ? {} : { port: Number(site.url.port) }),
      path: `${site.path}/${encodePath(key)}`,
      query,
      headers: { ...headers, host: site.url.host, 'x-amz-content-sha256': emptyHash },
    };
    const signer = credentials === undefined ? undefined : await newSigner(credentials, 's3', region);
    const signed = signer === undefined ? request : await signer.sign(request);
    const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
    const url = `${site.url.origin}${request.path}${search.length === 0 ? '' : `?${search.join('&')}`}`;
    return options.http.send({ method, url, headers: signed.headers as Record<string, string>, signal });
  };
  const send = (request: S3Request, accept: readonly number[]) =>
    retry(
      async () => {
        let response = await sendOnce(request);
        const other = accept.includes(response.status) ? undefined : otherRegion(response, region);
        if (other !== undefined) {
          await response.discard();
          region = other;
          response = await sendOnce(request);
        }
        if (accept.includes(response.status)) return response;
        throw await refusal(response, options.bucket);
      },
      {
        attempts,
        firstDelayMs: options.retryDelayMs ?? 500,
        maxDelayMs: 5000,
        signal: request.signal,
        shouldRetry: (error) => isMillraceError(error) && isPassing(error),
      },
    );

  return {
    async exists(signal) {
      const response = await send({ method: 'HEAD', signal }, [200, 404]);
      await response.discard();
      return response.status === 200;
    },
    async *list(prefix, signal) {
      const seen = new Set<string>();
      for (let token: string | undefined = ''; token !== undefined; ) {
        const query: Record<string, string> = { 'list-type': '2', 'encoding-type': 'url' };
        if (prefix !== '') query['prefix'] = prefix;
        if (token !== '') query['continuation-token'] = token;
        const response = await send({ method: 'GET', query, signal }, [200]);
        const page = parseListing(await response.text(maxListingBytes));
        yield* page.objects;
        token = page.next;
        if (token !== undefined && seen.has(token)) throw new Error('the listing goes in circles');
        if (token !== undefined) seen.add(token);
      }
    },
    async get(key, { signal, etag }) {
      const headers: Record<string, string> = etag ? { 'if-match': `"${etag}"` } : {};
      const response = await send({ method: 'GET', key, headers, signal }, [200, 404, 412]);
      if (response.status === 200) return response;
      await response.discard();
      if (response.status === 404) return undefined;
      throw new MillraceError('BUCKET_CHANGED', `the object '${key}' changed while the bucket was read`);
    },
  };
}

/** AWS wants the bucket in the host name, unless a dot in it would break the certificate; others have it in the path. */
function siteOf({ endpoint, bucket }: S3Options): { url: URL; path: string } {
  const url = new URL(endpoint);
  const isAws = /(^|\.)amazonaws\.com(\.cn)?$/.test(url.hostname);
  if (isAws && !bucket.includes('.')) {
    url.hostname = `${bucket}.${url.hostname}`;
    return { url, path: '' };
  }
  return { url, path: `/${encode(bucket)}` };
}

function regionOfHost(endpoint: string): string | undefined {
  return /(?:^|\.)s3[.-](?:dualstack\.|fips\.)?([a-z]{2}-[a-z0-9-]+-\d)\.amazonaws\.com/.exec(
    new URL(endpoint).hostname,
  )?.[1];
}

/** The region that the server names where it is not the one that was signed for. */
function otherRegion(response: HttpResponse, current: string): string | undefined {
  const named = response.headers['x-amz-bucket-region'];
  return named === undefined || named === current ? undefined : named;
}

async function refusal(response: HttpResponse, bucket: string): Promise<MillraceError> {
  const { status, headers } = response;
  const error = parseError(await response.text(64 * 1024).catch(() => ''));
  const { origin, pathname } = new URL(response.url);
  const said = error === undefined ? `HTTP ${status}` : `${error.code}: ${error.message} (HTTP ${status})`;
  const delay = retryAfterMs(headers);
  const isLater = status === 429 || status >= 500 || error?.code === 'SlowDown' || error?.code === 'RequestTimeout';
  if (error?.code === 'NoSuchBucket') return new MillraceError('BUCKET_NOT_FOUND', `bucket '${bucket}' not found`);
  return new MillraceError('BUCKET_REFUSED', `${origin}${pathname}: ${said}`, {
    retry: isLater ? 'backoff' : 'never',
    ...(delay === undefined ? {} : { retryAfterMs: delay }),
  });
}

const longestWaitMs = 10_000;

function isPassing(error: MillraceError): boolean {
  if (error.code === 'HTTP_UNREACHABLE') return true;
  return error.code === 'BUCKET_REFUSED' && error.retry === 'backoff' && (error.retryAfterMs ?? 0) <= longestWaitMs;
}

/** As Signature Version 4 wants it: everything but unreserved characters (RFC 3986 §2.3). */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function encodePath(key: string): string {
  return key.split('/').map(encode).join('/');
}
