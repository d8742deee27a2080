import { errorMessage } from '../../base/error.ts';

/** `retry` after the retry interval, `wait` for something else, `terminal` until the object changes. */
export type FaultKind = 'retry' | 'wait' | 'terminal';

export interface FaultOptions {
  cause?: unknown;
  /** What the event says where it differs from the condition; null for no event. */
  event?: string | null;
  /** Events of what is merely not there yet are no warnings. */
  eventType?: 'Normal' | 'Warning';
  /** The run got as far as applying, so that it belongs in the history. */
  applied?: boolean;
}

/** Why a run stopped, and what the Ready condition then says. */
export class KustomizationFault extends Error {
  override readonly name = 'KustomizationFault';
  readonly reason: string;
  readonly kind: FaultKind;
  readonly options: FaultOptions;

  constructor(reason: string, message: string, kind: FaultKind, options: FaultOptions = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.kind = kind;
    this.options = options;
  }
}

const terminally = 'Reconciliation failed terminally due to configuration error';

/** A CEL expression that can never work: nothing but another spec helps (spec/kustomization.md §2, step 3). */
export function invalidExpression(cause: unknown): KustomizationFault {
  return new KustomizationFault('InvalidCELExpression', `${terminally}: ${errorMessage(cause)}`, 'terminal', { cause });
}
