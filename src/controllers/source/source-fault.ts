/**
 * What becomes of an object after a fault (spec/source.md §2.4): tried again with backoff, at rest until a person changes
 * something (`stalled`), or looked at again after a fixed time (`waiting`).
 */
export type FaultKind = 'retry' | 'stalled' | 'waiting';

export interface SourceFaultOptions {
  kind?: FaultKind;
  cause?: unknown;
  /** The condition that tells of it; default `FetchFailed`. None for a fault that `Stalled` or `Reconciling` alone shows. */
  condition?: string;
  /** For `SourceVerified`, which is a good condition that is not met. */
  status?: 'True' | 'False';
}

/** Ends a run of a source: carries the reason and message of the condition, which are API surface. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
  readonly reason: string;
  readonly kind: FaultKind;
  readonly condition: string;
  readonly status: 'True' | 'False';

  constructor(reason: string, message: string, options: SourceFaultOptions = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.kind = options.kind ?? 'retry';
    this.condition = options.condition ?? 'FetchFailed';
    this.status = options.status ?? 'True';
  }
}
