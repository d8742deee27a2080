export interface FaultOptions {
  /** Nothing but a change by a person helps: `Stalled`, and no further try. */
  stalled?: boolean;
  /** Look again after this time (milliseconds) instead of after the backoff. */
  requeueAfterMs?: number;
  cause?: unknown;
}

/** Ends a run: reason and message of the `Ready` condition, which are API surface (spec/image.md). */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly reason: string;
  readonly stalled: boolean;
  readonly requeueAfterMs: number | undefined;

  constructor(reason: string, message: string, options: FaultOptions = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.stalled = options.stalled ?? false;
    this.requeueAfterMs = options.requeueAfterMs;
  }
}
