import type { AwsCredentials } from './identity.ts';

/** Below this, in milliseconds, a difference is the way of the answer and the whole seconds of its header. */
const noticeableMs = 30_000;

/**
 * How far a server's clock is ahead of ours, by the `Date` of an answer that has just come, in milliseconds; 0 for no noticeable
 * difference. AWS refuses signatures that are more than five minutes off, and says what time it is.
 */
export function clockAheadMs(date: string | undefined, nowMs: number): number {
  const aheadMs = Date.parse(date ?? '') - nowMs;
  return Math.abs(aheadMs) > noticeableMs ? aheadMs : 0;
}

/** The settings with which a client of the SDK signs by AWS's clock from its first request on. */
export function signedBy(credentials: AwsCredentials): { credentials: AwsCredentials; systemClockOffset: number } {
  return { credentials, systemClockOffset: credentials.clockAheadMs ?? 0 };
}
