import type { ErrorCode } from './error-codes.ts';
import { redact } from './redact.ts';

/** Whether trying the same thing again later can help (`backoff`), or only a change by a person can (`never`). */
export type RetryAdvice = 'backoff' | 'never';

export interface MillraceErrorOptions {
  cause?: unknown;
  /** What the user can do about it: one or two sentences, no secret. */
  hint?: string;
  retry?: RetryAdvice;
  /** Delay that the failing service asked for (Retry-After), in milliseconds. */
  retryAfterMs?: number;
}

/**
 * An error that a user can meet. `code` is stable and listed in docs/errors.md; `message` names the object and what
 * happened. Credentials in URLs and authorization headers are removed from the message when it is built. A broken
 * invariant of our own is a plain `Error` instead and prints its stack.
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retry: RetryAdvice;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: MillraceErrorOptions = {}) {
    super(redact(message), { cause: options.cause });
    this.code = code;
    this.hint = options.hint === undefined ? undefined : redact(options.hint);
    this.retry = options.retry ?? 'backoff';
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** True for a MillraceError, of one of `codes` where any are given. */
export function isMillraceError(error: unknown, ...codes: ErrorCode[]): error is MillraceError {
  return error instanceof MillraceError && (codes.length === 0 || codes.includes(error.code));
}

/** The text of anything thrown, without a stack; secrets in URLs removed. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? redact(error.message) : redact(String(error));
}
