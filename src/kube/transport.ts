import { sleep, withDeadline } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import {
  createHttpClient,
  type HttpClient,
  type HttpHeaders,
  type HttpMethod,
  type HttpResponse,
} from '../http/http-client.ts';
import { retryAfterMs } from '../http/http-status.ts';
import type { ProxySettings } from '../http/proxy.ts';
import type { KubeConfig } from './config.ts';
import { type CurrentCredentials, credentialSource } from './credentials.ts';
import { kubeError, parseStatus } from './status-error.ts';

export interface KubeRequest {
  method: HttpMethod;
  /** Below the server's base URL, starting with a slash, with its query. */
  path: string;
  body?: unknown;
  contentType?: string;
  accept?: string;
  headers?: HttpHeaders;
  signal: AbortSignal;
}

export interface TransportOptions {
  userAgent?: string;
  /** Longest time one call may take, retries included. Default 60 seconds, the API server's own limit. */
  requestTimeoutMs?: number;
  /** Connections for calls; each watch has one of its own besides. Default 32. */
  connections?: number;
  /** For servers that the kubeconfig gives no proxy for. */
  proxy?: ProxySettings;
  /** Called for each answer, with the status code, or `<error>` where none came. */
  observe?(method: HttpMethod, code: string, host: string): void;
}

/** Authenticated JSON over HTTP to one API server: throttling, renewed credentials and status errors dealt with. */
export interface KubeTransport {
  /** The parsed answer. Throws what `kubeError` makes of a failure. */
  call(request: KubeRequest): Promise<unknown>;
  /** An answer to read as it comes, over a connection of its own; ends with the signal alone. */
  open(request: KubeRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

const defaultTimeoutMs = 60_000;
const longestRetryAfterMs = 30_000;

export function createTransport(config: KubeConfig, options: TransportOptions = {}): KubeTransport {
  const credentials = credentialSource(config.credentials);
  const host = new URL(config.server).host;
  const pools = connectionPools(config, options);
  const timeoutMs = options.requestTimeoutMs ?? defaultTimeoutMs;

  const sendOnce = async (request: KubeRequest, forWatch: boolean): Promise<HttpResponse> => {
    const current = await credentials.current(request.signal);
    const { calls, watches } = pools.with(current);
    const headers: HttpHeaders = {
      accept: request.accept ?? 'application/json',
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      ...(options.userAgent === undefined ? {} : { 'user-agent': options.userAgent }),
      ...(current.authorization === undefined ? {} : { authorization: current.authorization }),
      ...request.headers,
    };
    try {
      const response = await (forWatch ? watches : calls).send({
        method: request.method,
        url: config.server + request.path,
        headers,
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: request.signal,
        timeoutMs,
        idleMs: forWatch ? 0 : timeoutMs,
      });
      options.observe?.(request.method, String(response.status), host);
      return response;
    } catch (error) {
      if (!request.signal.aborted) options.observe?.(request.method, '<error>', host);
      throw error;
    }
  };

  /** Waits out throttling and renews refused credentials once; any other answer is the caller's. */
  const send = async (request: KubeRequest, forWatch: boolean): Promise<HttpResponse> => {
    let renewed = false;
    for (;;) {
      const response = await sendThroughLoss(request, forWatch);
      if (response.status === 401 && !renewed && credentials.refused()) {
        renewed = true;
        await response.discard();
        continue;
      }
      const delay = throttledMs(response);
      if (delay === undefined) return response;
      await response.discard();
      await sleep(delay, request.signal);
    }
  };

  /** A kept connection may be closed by the server just as it is used: what may be said twice is said again, once. */
  const sendThroughLoss = async (request: KubeRequest, forWatch: boolean): Promise<HttpResponse> => {
    try {
      return await sendOnce(request, forWatch);
    } catch (error) {
      if (!isRepeatable(request) || !isLostConnection(error)) throw error;
      return sendOnce(request, forWatch);
    }
  };

  const failure = async (request: KubeRequest, response: HttpResponse): Promise<MillraceError> => {
    const name = `${request.method} ${host}${pathOf(request)}`;
    const status = parseStatus(response.status, await response.text(), name);
    const asked = retryAfterMs(response.headers);
    return kubeError(status, asked === undefined ? {} : { retryAfterMs: Math.min(asked, longestRetryAfterMs) });
  };

  return {
    call: (request) =>
      withDeadline(request.signal, timeoutMs, `${request.method} ${host}${pathOf(request)}`, async (signal) => {
        const response = await send({ ...request, signal }, false);
        if (response.status >= 400) throw await failure(request, response);
        return parseAnswer(await response.text(maxAnswerBytes), request);
      }),
    async open(request) {
      const response = await send(request, true);
      if (response.status >= 400) throw await failure(request, response);
      return response;
    },
    close: () => pools.close(),
  };
}

/** A page of 500 large objects fits; a runaway answer does not take the process down. */
const maxAnswerBytes = 512 * 1024 * 1024;

/** How long the server asked to wait before the same request again: 429 and 5xx with Retry-After, as client-go. */
function throttledMs({ status, headers }: HttpResponse): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const asked = retryAfterMs(headers);
  return asked === undefined ? undefined : Math.min(Math.max(asked, 50), longestRetryAfterMs);
}

function isRepeatable({ method, contentType }: KubeRequest): boolean {
  return method === 'GET' || (method === 'PATCH' && /^application\/(merge|apply)-patch/.test(contentType ?? ''));
}

function isLostConnection(error: unknown): boolean {
  const { cause } = error instanceof MillraceError ? error : { cause: undefined };
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}

function parseAnswer(text: string, request: KubeRequest): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('KUBE_STATUS', `${request.method} ${pathOf(request)}: the answer is not JSON`, { cause });
  }
}

function pathOf({ path }: KubeRequest): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

/** Connections belong to a client certificate, and plugins may change it. */
function connectionPools(config: KubeConfig, options: TransportOptions) {
  let held: { cert: string | undefined; calls: HttpClient; watches: HttpClient } | undefined;
  const create = (connections: number | undefined, { cert, key }: CurrentCredentials) =>
    createHttpClient({
      ...(config.ca === undefined ? {} : { ca: config.ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(config.tlsServerName === undefined ? {} : { serverName: config.tlsServerName }),
      ...(config.insecureSkipTlsVerify ? { insecureSkipTlsVerify: true } : {}),
      ...proxyOf(config, options),
      ...(connections === undefined ? {} : { connections }),
    });
  const closeHeld = async (force: boolean) => {
    await Promise.all([held?.calls.close({ force }), held?.watches.close({ force })]);
  };
  return {
    with(current: CurrentCredentials) {
      if (held === undefined || held.cert !== current.cert) {
        void closeHeld(false);
        const calls = create(options.connections ?? 32, current);
        held = { cert: current.cert, calls, watches: create(undefined, current) };
      }
      return held;
    },
    close: () => closeHeld(true),
  };
}

function proxyOf({ proxyUrl }: KubeConfig, { proxy }: TransportOptions): { proxy?: ProxySettings } {
  if (proxyUrl !== undefined) return { proxy: { http: proxyUrl, https: proxyUrl } };
  return proxy === undefined ? {} : { proxy };
}
