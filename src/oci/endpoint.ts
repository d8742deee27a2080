import { sleep } from '../base/deadline.ts';
import type { HttpResponse } from '../http/http-client.ts';
import { type Challenge, parseChallenge } from './challenge.ts';
import type { RegistryOptions } from './registry.ts';
import { registryError } from './registry-error.ts';

const httpHeadStartMs = 300;
const pingTimeoutMs = 15_000;

/**
 * Where a registry is and what it asks for: `GET /v2/`. HTTPS, except where an endpoint is configured; hosts that may be
 * spoken to in plain HTTP get HTTPS first and HTTP 300 ms later, or when HTTPS failed (spec/image.md §2.5).
 */
export async function findBaseUrl(
  options: RegistryOptions,
  host: string,
  signal: AbortSignal,
): Promise<{ url: string; challenge: Challenge | undefined }> {
  const configured = options.endpoints?.[host]?.replace(/\/+$/, '');
  if (configured !== undefined) return ping(options, configured, signal);
  if (options.insecure !== true && !isLocalHost(host)) return ping(options, `https://${host}`, signal);
  return firstAnswer(options, host, signal);
}

async function firstAnswer(
  options: RegistryOptions,
  host: string,
  signal: AbortSignal,
): Promise<{ url: string; challenge: Challenge | undefined }> {
  const loser = new AbortController();
  const abort = () => loser.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const https = ping(options, `https://${host}`, loser.signal);
  const http = Promise.race([sleep(httpHeadStartMs, loser.signal), https.catch(() => {})]).then(() =>
    ping(options, `http://${host}`, loser.signal),
  );
  try {
    return await Promise.any([https, http]);
  } catch (error) {
    // The first reason is the one for HTTPS, which is what should have worked.
    throw signal.aborted ? signal.reason : (error as AggregateError).errors[0];
  } finally {
    signal.removeEventListener('abort', abort);
    loser.abort();
    https.catch(() => {});
    http.catch(() => {});
  }
}

async function ping(
  { http }: RegistryOptions,
  url: string,
  signal: AbortSignal,
): Promise<{ url: string; challenge: Challenge | undefined }> {
  const response: HttpResponse = await http.send({ url: `${url}/v2/`, signal, timeoutMs: pingTimeoutMs, redirects: 3 });
  const { status, headers } = response;
  if (status !== 200 && status !== 401 && status !== 403 && status !== 404) throw await registryError('GET', response);
  await response.discard();
  return { url, challenge: status === 401 ? parseChallenge(headers['www-authenticate']) : undefined };
}

/** `localhost:port`, `*.localhost`, loopback and RFC 1918 addresses. */
export function isLocalHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  if (/^localhost:\d+$/.test(host) || name.endsWith('.localhost')) return true;
  if (name === '127.0.0.1' || host === '::1' || name === '[::1]') return true;
  const [a, b] = /^\d+\.\d+\.\d+\.\d+$/.test(name) ? name.split('.').map(Number) : [];
  return a === 10 || (a === 172 && b !== undefined && b >= 16 && b <= 31) || (a === 192 && b === 168);
}
