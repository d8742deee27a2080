import type { Readable } from 'node:stream';
import { isAbortError } from '../base/deadline.ts';
import { isMillraceError, MillraceError } from '../base/error.ts';
import { retry } from '../base/retry.ts';
import type { HttpClient, HttpHeaders, HttpMethod, HttpResponse } from '../http/http-client.ts';
import { type Challenge, parseChallenge } from './challenge.ts';
import type { RegistryCredential } from './docker-config.ts';
import { findBaseUrl } from './endpoint.ts';
import type { Repository } from './reference.ts';
import { registryError } from './registry-error.ts';
import { answerChallenge } from './token.ts';

export interface RegistryOptions {
  /** Connections, TLS and proxy are its matter. */
  http: HttpClient;
  /** Registry host → base URL, for registries that are reached elsewhere than their name says. */
  endpoints?: Readonly<Record<string, string>>;
  /** Whether plain HTTP may be spoken; otherwise only to hosts of this machine and private networks. */
  insecure?: boolean;
  /** The credential for a repository; undefined means anonymous. Called when a registry asks for one, then kept. */
  login?: (repository: Repository, signal: AbortSignal) => Promise<RegistryCredential | undefined>;
  /** Told when a registry refuses a credential that may have ended early: `login` is asked once more, for another one. */
  onRefused?: (repository: Repository) => void;
  /** Wait before the second attempt; the third comes after three times as long. Default 1 second. */
  retryDelayMs?: number;
}

/** A conversation with registries on behalf of one object: its credentials and tokens are shared with nobody else. */
export interface Registry {
  readonly options: RegistryOptions;
  readonly sessions: Map<string, Session>;
}

/** What is known of one host. */
interface Session {
  baseUrl: Promise<{ url: string; challenge: Challenge | undefined }>;
  credential?: Promise<RegistryCredential | undefined>;
  /** A second login has been asked for; a registry that refuses that one too means it. */
  isRenewed?: boolean;
  /** Authorization header by scope. */
  authorization: Map<string, string | undefined>;
}

export interface RegistryRequest {
  method: HttpMethod;
  /** Below `/v2/<name>/`: `tags/list?n=1000`. Or an absolute URL of the same registry (an upload's location, a next page). */
  path: string;
  /** What to ask a token for; default `pull`. */
  actions?: 'pull' | 'pull,push';
  headers?: HttpHeaders;
  body?: Uint8Array | (() => Readable);
  signal: AbortSignal;
  /** Statuses that are answers; everything else throws. Default 200. */
  accept?: readonly number[];
  /** Time to the answer's headers, milliseconds. */
  timeoutMs?: number;
}

export function createRegistry(options: RegistryOptions): Registry {
  return { options, sessions: new Map() };
}

/**
 * Sends a request to a repository's registry: asks `/v2/` once per host, logs in as the registry wants it, and tries three
 * times where the fault may pass (spec/image.md §2.7). Throws OCI_… errors and HTTP_UNREACHABLE.
 */
export async function sendToRegistry(
  registry: Registry,
  repository: Repository,
  request: RegistryRequest,
): Promise<HttpResponse> {
  const firstDelayMs = registry.options.retryDelayMs ?? 1000;
  return retry(() => sendAuthorized(registry, repository, request), {
    attempts: 3,
    firstDelayMs,
    factor: 3,
    maxDelayMs: firstDelayMs * 3,
    signal: request.signal,
    shouldRetry: (error) => isPassing(error, request.signal),
  });
}

/** Base URL of a repository's registry, without `/v2/`. */
export async function registryUrl(registry: Registry, repository: Repository, signal: AbortSignal): Promise<string> {
  return (await sessionOf(registry, repository.host, signal).baseUrl).url;
}

const longestWaitMs = 30_000;

function isPassing(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted || isAbortError(error) || !isMillraceError(error)) return false;
  if (error.code === 'HTTP_UNREACHABLE') return true;
  // A login that AWS refuses is no fault of this request, and AWS's own client has tried again where that helps.
  if (error.code.startsWith('AWS_')) return false;
  return error.retry === 'backoff' && (error.retryAfterMs ?? 0) <= longestWaitMs;
}

async function sendAuthorized(
  registry: Registry,
  repository: Repository,
  request: RegistryRequest,
): Promise<HttpResponse> {
  const session = sessionOf(registry, repository.host, request.signal);
  const { url: baseUrl, challenge } = await session.baseUrl;
  const scope = `repository:${repository.name}:${request.actions ?? 'pull'}`;
  const url = new URL(request.path, `${baseUrl}/v2/${repository.name}/`).href;
  const authorize = async (asked: Challenge | undefined) => {
    if (asked === undefined) return undefined;
    session.credential ??= loadCredential(registry, repository, session, request.signal);
    const credential = await session.credential;
    const scopes =
      asked.scheme === 'bearer' && asked.scope !== undefined ? [...new Set([scope, asked.scope])] : [scope];
    const header = await answerChallenge(registry.options.http, asked, {
      credential,
      scopes,
      origin: baseUrl,
      signal: request.signal,
    });
    session.authorization.set(scope, header);
    return header;
  };
  let header = session.authorization.has(scope) ? session.authorization.get(scope) : await authorize(challenge);
  let response = await send(registry, request, url, header);
  const again = async (asked: Challenge | undefined) => {
    const before = header;
    header = await authorize(asked);
    if (header === undefined || header === before) return;
    await response.discard();
    response = await send(registry, request, url, header);
  };
  const asked = parseChallenge(response.headers['www-authenticate']) ?? challenge;
  if (response.status === 401) await again(asked);
  if ((request.accept ?? [200]).includes(response.status)) return response;
  const refused = response;
  const error = await registryError(request.method, refused);
  const { onRefused } = registry.options;
  if (!isLoginOver(error, response) || onRefused === undefined || session.isRenewed === true) throw error;
  session.isRenewed = true;
  onRefused(repository);
  delete session.credential;
  await again(asked);
  if (response === refused) throw error;
  if ((request.accept ?? [200]).includes(response.status)) return response;
  throw await registryError(request.method, response);
}

/** ECR refuses a login that has ended as if it were a lack of rights. */
function isLoginOver(error: MillraceError, { status }: HttpResponse): boolean {
  return status === 401 || (status === 403 && /authorization token has expired/i.test(error.message));
}

async function send(
  registry: Registry,
  request: RegistryRequest,
  url: string,
  authorization: string | undefined,
): Promise<HttpResponse> {
  const { method, signal, body } = request;
  return registry.options.http.send({
    method,
    url,
    signal,
    headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
    ...(body === undefined ? {} : { body: typeof body === 'function' ? body() : body }),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
    ...(method === 'GET' || method === 'HEAD' ? { redirects: 5 } : {}),
  });
}

function sessionOf(registry: Registry, host: string, signal: AbortSignal): Session {
  const known = registry.sessions.get(host);
  if (known !== undefined) return known;
  const baseUrl = findBaseUrl(registry.options, host, signal);
  const session: Session = { baseUrl, authorization: new Map() };
  registry.sessions.set(host, session);
  // A failed greeting is not remembered: the next request tries again.
  baseUrl.catch(() => registry.sessions.delete(host));
  return session;
}

function loadCredential(
  registry: Registry,
  repository: Repository,
  session: Session,
  signal: AbortSignal,
): Promise<RegistryCredential | undefined> {
  const loading = registry.options.login?.(repository, signal) ?? Promise.resolve(undefined);
  loading.catch(() => {
    delete session.credential;
  });
  return loading;
}

/** A target on another scheme or host than the registry's own. */
export function foreignTarget(what: string): MillraceError {
  return new MillraceError('OCI_PAGINATION_REFUSED', what, { retry: 'never' });
}
