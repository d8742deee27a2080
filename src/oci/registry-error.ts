import { MillraceError } from '../base/error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import { isRecord } from '../base/json.ts';
import type { HttpMethod, HttpResponse } from '../http/http-client.ts';
import { HttpStatusError, retryAfterMs } from '../http/http-status.ts';

const maxErrorBytes = 16 * 1024;
const worthRetrying = new Set([408, 425, 429, 499, 500, 502, 503, 504, 522]);

/** Reads a registry's unwelcome answer (OCI distribution, "Error Codes") and makes our error of it. */
export async function registryError(method: HttpMethod, response: HttpResponse): Promise<MillraceError> {
  const { status, headers, url } = response;
  const body = await response.text(maxErrorBytes).catch(() => '');
  const { code, text } = describe(status, body);
  const { origin, pathname, search } = new URL(url);
  const message = `${method} ${origin}${pathname}${search}: ${text}`;
  const wait = retryAfterMs(headers);
  return new MillraceError(errorCode(status, code), message, {
    cause: new HttpStatusError(message, { status, headers, body }),
    retry: worthRetrying.has(status) ? 'backoff' : 'never',
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(status === 401 || status === 403
      ? { hint: 'Check the credential for this registry and what it may do with this repository.' }
      : {}),
  });
}

function errorCode(status: number, code: string): ErrorCode {
  if (status === 401 || status === 403 || code === 'DENIED') return 'OCI_AUTH_DENIED';
  if (status === 404) return 'OCI_NOT_FOUND';
  if (status === 429) return 'OCI_RATE_LIMITED';
  return 'OCI_STATUS';
}

/** `CODE: message; CODE: message` from the registry's list of errors, else the status with the start of the body. */
function describe(status: number, body: string): { code: string; text: string } {
  try {
    const parsed: unknown = JSON.parse(body);
    const errors = isRecord(parsed) && Array.isArray(parsed['errors']) ? parsed['errors'].filter(isRecord) : [];
    if (errors.length > 0) {
      const parts = errors.map((error) => [error['code'], error['message']].filter(Boolean).join(': '));
      return { code: String(errors[0]?.['code'] ?? ''), text: `${parts.join('; ')} (${status})` };
    }
  } catch {
    // Proxies answer with pages of their own.
  }
  const start = body.trim().replace(/\s+/g, ' ').slice(0, 200);
  return { code: '', text: `unexpected status code ${status}${start === '' ? '' : `: ${start}`}` };
}
