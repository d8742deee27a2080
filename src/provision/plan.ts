import { MillraceError } from '../base/error.ts';

/** One thing that provisioning does. */
export interface Step {
  action: 'create' | 'update' | 'delete';
  /** The object, and what changes about it. */
  what: string;
  /** What it is now and what it becomes, a line each. */
  details?: readonly string[];
  /** What an existing policy would allow from then on and does not allow now. */
  widens?: readonly string[];
  run(): Promise<void>;
}

/** Told of what differs from what provisioning would make, and is left as it is. */
export type Note = (text: string) => void;

export interface ApplyOptions {
  /** Says yes to steps that make an existing policy allow more. */
  allowWidening?: boolean;
}

/** Throws PROVISION_WIDENS where a step would widen what exists and nobody has said yes to it. */
export function requireNoWidening(steps: readonly Step[], { allowWidening = false }: ApplyOptions): void {
  const widening = steps.flatMap(({ what, widens = [] }) => widens.map((grant) => `${what} would also allow ${grant}`));
  if (allowWidening || widening.length === 0) return;
  throw new MillraceError('PROVISION_WIDENS', `nothing was done, since ${widening.join('; ')}`, {
    retry: 'never',
    hint: 'Compare with `millrace provision apply --dry-run`; --allow-widening says that this is meant.',
  });
}
