/** Why a run stopped, and what the Ready condition then says. */
export class KustomizationFault extends Error {
  override readonly name = 'KustomizationFault';
  readonly reason: string;
  /** `retry` after the retry interval, `wait` for something else, `terminal` until the object changes. */
  readonly kind: 'retry' | 'wait' | 'terminal';

  constructor(reason: string, message: string, kind: 'retry' | 'wait' | 'terminal', cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
    this.kind = kind;
  }
}
