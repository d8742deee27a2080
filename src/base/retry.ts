import { sleep } from './deadline.ts';
import { isMillraceError } from './error.ts';

export interface RetryOptions {
  /** How often `work` runs at the most. */
  attempts: number;
  /** Delay before the second attempt, in milliseconds. */
  firstDelayMs: number;
  /** No delay is longer than this, in milliseconds. */
  maxDelayMs: number;
  /** Each delay is this many times the one before it. Default 2. */
  factor?: number;
  signal?: AbortSignal;
  /** Whether an error is worth another attempt. Default: all but MillraceErrors with `retry: 'never'`. */
  shouldRetry?: (error: unknown) => boolean;
}

/** Runs `work` until it succeeds, the attempts are used up, or an error says that trying again is useless. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const shouldRetry = options.shouldRetry ?? isWorthRetrying;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= options.attempts || options.signal?.aborted || !shouldRetry(error)) throw error;
      const asked = isMillraceError(error) ? error.retryAfterMs : undefined;
      await sleep(asked ?? backoffDelayMs(attempt, options), options.signal);
    }
  }
}

function isWorthRetrying(error: unknown): boolean {
  return !isMillraceError(error) || error.retry === 'backoff';
}

export interface BackoffOptions {
  firstDelayMs: number;
  maxDelayMs: number;
  factor?: number;
}

/** Delay after the `failures`-th failure in a row (1 is the first), with up to 10 % jitter, in milliseconds. */
export function backoffDelayMs(failures: number, { firstDelayMs, maxDelayMs, factor = 2 }: BackoffOptions): number {
  const delay = Math.min(maxDelayMs, firstDelayMs * factor ** (failures - 1));
  return Math.round(delay * (0.9 + Math.random() * 0.1));
}
