import { MillraceError } from '../base/error.ts';
import type { HttpRequest, HttpResponse } from './http-client.ts';

/** What a service answered, as the cause of an HTTP_STATUS error. `body` is the start of the answer. */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly details: { status: number; headers: Record<string, string>; body: string };
  constructor(message: string, details: HttpStatusError['details']) {
    super(message);
    this.details = details;
  }
}

const excerptBytes = 16 * 1024;
const worthRetrying = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Reads the start of an unwelcome answer and makes an HTTP_STATUS error of it; the caller throws it. */
export async function httpStatusError(request: HttpRequest, response: HttpResponse): Promise<MillraceError> {
  const { status, headers } = response;
  const body = await response.text(excerptBytes).catch(() => '');
  const url = new URL(response.url);
  const message = `${request.method ?? 'GET'} ${url.origin}${url.pathname}: ${status}${firstLine(body)}`;
  const delay = retryAfterMs(headers);
  return new MillraceError('HTTP_STATUS', message, {
    cause: new HttpStatusError(message, { status, headers, body }),
    retry: worthRetrying.has(status) ? 'backoff' : 'never',
    ...(delay === undefined ? {} : { retryAfterMs: delay }),
  });
}

function firstLine(body: string): string {
  const line = body.trim().split('\n', 1)[0] ?? '';
  return line === '' ? '' : ` ${line.slice(0, 300)}`;
}

/** True for an error that carries an HTTP answer with one of these statuses. */
export function isHttpStatus(error: unknown, ...statuses: number[]): boolean {
  const cause = error instanceof MillraceError ? error.cause : undefined;
  return cause instanceof HttpStatusError && statuses.includes(cause.details.status);
}

/** Retry-After (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now; undefined where absent or unreadable. */
export function retryAfterMs(headers: Record<string, string>, now = Date.now()): number | undefined {
  const value = headers['retry-after']?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
