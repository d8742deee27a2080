import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request as undiciRequest } from 'undici';
import { withDeadline } from '../base/deadline.ts';
import { isMillraceError, MillraceError } from '../base/error.ts';
import { readBody } from './body.ts';
import type { ProxySettings } from './proxy.ts';
import { redirectedRequest } from './redirect.ts';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A list is sent as so many headers of the name. */
export type HttpHeaders = Record<string, string | string[]>;

export interface HttpClientOptions {
  /** Certificate authorities in PEM that replace the system's. */
  ca?: string;
  /** Client certificate and key in PEM. */
  cert?: string;
  key?: string;
  /** Host name to expect in the server's certificate, where it differs from the URL's. */
  serverName?: string;
  insecureSkipTlsVerify?: boolean;
  proxy?: ProxySettings;
  /** Connections to one origin at the most; more requests wait their turn. Default: no limit. */
  connections?: number;
  /** Default 10 seconds. */
  connectTimeoutMs?: number;
  /** Sent with every request; a request's own headers win. */
  headers?: HttpHeaders;
}

export interface HttpRequest {
  method?: HttpMethod;
  url: string | URL;
  headers?: HttpHeaders;
  body?: string | Uint8Array | Readable;
  /** Covers the whole exchange: aborting it also ends the reading of the body. */
  signal: AbortSignal;
  /** Time until the response's headers are there. Default 30 seconds. */
  timeoutMs?: number;
  /** Longest silence while the body is read; 0 for none. Default 60 seconds. */
  idleMs?: number;
  /** Redirects to follow (GET and HEAD only). Credentials are not sent to another origin. Default 0. */
  redirects?: number;
}

export interface HttpResponse {
  status: number;
  /** Lower-case names; repeated headers joined by ', '. */
  headers: Record<string, string>;
  /** The URL that answered, after redirects. */
  url: string;
  body: Readable;
  /** The whole body. Throws HTTP_TOO_LARGE past `maxBytes` (default 64 MiB). */
  bytes(maxBytes?: number): Promise<Buffer>;
  text(maxBytes?: number): Promise<string>;
  /** Lets the body go, so that the connection can serve the next request. */
  discard(): Promise<void>;
}

/** Sends requests over kept-alive connections. Every status is an answer; only failing to get one throws. */
export interface HttpClient {
  /** Throws HTTP_UNREACHABLE when no answer came, DEADLINE_EXCEEDED when it took too long. */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** A client of its own, with these options in the place of the same ones of this client. */
  derive(options: HttpClientOptions): HttpClient;
  /** Ends idle connections at once and busy ones when their exchange is over, or now with `force`. */
  close(options?: { force?: boolean }): Promise<void>;
}

const defaultTimeoutMs = 30_000;
const defaultIdleMs = 60_000;

export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const dispatcher = newDispatcher(options);
  const sendOnce = async (request: HttpRequest): Promise<HttpResponse> => {
    const { method = 'GET', signal } = request;
    const url = new URL(request.url);
    const what = `${method} ${url.origin}${url.pathname}`;
    try {
      const answer = await awaitHeaders(request, what, (abort) =>
        undiciRequest(url, {
          dispatcher,
          method,
          headers: { ...options.headers, ...request.headers },
          body: request.body ?? null,
          signal: abort,
          // Both times are ours to keep: waiting for a free connection counts as well.
          headersTimeout: 0,
          bodyTimeout: request.idleMs ?? defaultIdleMs,
        }),
      );
      return newResponse(answer, url, what, signal);
    } catch (error) {
      throw unreachable(error, what, signal);
    }
  };
  return {
    async send(request) {
      let response = await sendOnce(request);
      let next: HttpRequest | undefined = request;
      for (let left = request.redirects ?? 0; left > 0; left--) {
        next = redirectedRequest(next, response);
        if (next === undefined) break;
        await response.discard();
        response = await sendOnce(next);
      }
      return response;
    },
    derive: (own) => createHttpClient({ ...options, ...own }),
    close: ({ force = false } = {}) => (force ? dispatcher.destroy() : dispatcher.close()),
  };
}

function newDispatcher(options: HttpClientOptions): Dispatcher {
  const tls = {
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.cert === undefined ? {} : { cert: options.cert, key: options.key }),
    ...(options.serverName === undefined ? {} : { servername: options.serverName }),
    ...(options.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
  };
  const pool = { connections: options.connections ?? null, pipelining: 1 };
  const timeout = options.connectTimeoutMs ?? 10_000;
  const { proxy } = options;
  if (proxy === undefined) return new Agent({ ...pool, connect: { ...tls, timeout } });
  return new EnvHttpProxyAgent({
    ...pool,
    connect: { ...tls, timeout },
    requestTls: { ...tls, timeout },
    // Empty strings keep the agent from looking into the process environment itself.
    httpProxy: proxy.http ?? '',
    httpsProxy: proxy.https ?? '',
    noProxy: proxy.noProxy ?? '',
  });
}

/**
 * The deadline covers the headers alone, the request's own signal everything: so the signal given to the exchange must
 * outlive the deadline's.
 */
async function awaitHeaders<T>(
  { signal, timeoutMs = defaultTimeoutMs }: HttpRequest,
  what: string,
  exchange: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const onAbort = () => abort.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await withDeadline(signal, timeoutMs, what, (deadline) => {
      deadline.addEventListener('abort', () => abort.abort(deadline.reason), { once: true });
      return exchange(abort.signal);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function newResponse(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  url: URL,
  what: string,
  signal: AbortSignal,
): HttpResponse {
  const destroy = () => body.destroy(toError(signal.reason));
  signal.addEventListener('abort', destroy, { once: true });
  body.once('close', () => signal.removeEventListener('abort', destroy));
  // A body that nobody reads any more must not end the process when its connection breaks.
  body.on('error', () => {});
  const bytes = async (maxBytes?: number) => {
    try {
      return await readBody(body, what, maxBytes);
    } catch (error) {
      throw unreachable(error, what, signal);
    }
  };
  return {
    status: statusCode,
    headers: flatHeaders(headers),
    url: url.href,
    body,
    bytes,
    text: async (maxBytes) => (await bytes(maxBytes)).toString('utf8'),
    discard: () => body.dump(),
  };
}

function flatHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** The abort reason where the caller gave up, our own errors as they are, anything else as HTTP_UNREACHABLE. */
export function unreachable(error: unknown, what: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (isMillraceError(error)) return error;
  return new MillraceError('HTTP_UNREACHABLE', `${what}: ${connectionFault(error)}`, { cause: error });
}

function connectionFault(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return connectionFault(error.errors.at(-1));
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${inner}`;
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
