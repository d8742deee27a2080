import type { HttpRequest, HttpResponse } from './http-client.ts';

const redirectStatus = new Set([301, 302, 303, 307, 308]);
const credentialHeaders = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** The request that a redirect asks for; undefined where the response is none, or is one of a request with a body. */
export function redirectedRequest(
  request: HttpRequest,
  response: Pick<HttpResponse, 'status' | 'headers' | 'url'>,
): HttpRequest | undefined {
  const { method = 'GET' } = request;
  const location = response.headers['location'];
  if (!redirectStatus.has(response.status) || location === undefined) return undefined;
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const from = new URL(response.url);
  const to = new URL(location, from);
  // Never from TLS to plain text: what was asked for under TLS must not be read or replaced on the way.
  if (!/^https?:$/.test(to.protocol) || (from.protocol === 'https:' && to.protocol === 'http:')) return undefined;
  if (to.origin === from.origin) return { ...request, url: to };
  const headers = Object.entries(request.headers ?? {}).filter(([name]) => !credentialHeaders.has(name.toLowerCase()));
  return { ...request, url: to, headers: Object.fromEntries(headers) };
}
