import type { Clock } from '../../base/clock.ts';

/**
 * How many calls of an action a second may bring, as AWS limits them: a bucket that holds one second's worth and fills
 * steadily. Without a limit, which is how the sandbox starts, an action is never refused.
 */
export class RateLimits {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { perSecond: number; tokens: number; filledAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Limits `action` (`ecr:GetAuthorizationToken`) from now on; undefined lifts the limit, 0 refuses every call. */
  set(action: string, perSecond: number | undefined): void {
    if (perSecond === undefined) this.#buckets.delete(action);
    else this.#buckets.set(action, { perSecond, tokens: perSecond, filledAt: this.#clock.now() });
  }

  /** Counts a call; false when it is one too many. */
  take(action: string): boolean {
    const bucket = this.#buckets.get(action);
    if (bucket === undefined) return true;
    const now = this.#clock.now();
    const filled = bucket.tokens + ((now - bucket.filledAt) / 1000) * bucket.perSecond;
    bucket.tokens = Math.min(Math.max(bucket.perSecond, 1), filled);
    bucket.filledAt = now;
    if (bucket.perSecond === 0 || bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
