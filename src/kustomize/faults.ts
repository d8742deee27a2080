import { MillraceError } from '../base/error.ts';

/** Several faults of one build that have nothing to do with each other. */
export class BuildFaults extends MillraceError {
  readonly faults: readonly MillraceError[];

  constructor(faults: readonly MillraceError[]) {
    const lines = faults.map(({ message, hint }) => `- ${message}${hint === undefined ? '' : ` (${hint})`}`);
    super('KUSTOMIZE_BUILD_FAILED', `${faults.length} faults:\n${lines.join('\n')}`, { retry: 'never' });
    this.faults = faults;
  }
}

/** Collects what goes wrong in pieces of work that do not depend on each other, so that a user sees all of it at once. */
export class Faults {
  private readonly found: MillraceError[] = [];

  get isEmpty(): boolean {
    return this.found.length === 0;
  }

  add(fault: MillraceError): void {
    if (fault instanceof BuildFaults) this.found.push(...fault.faults);
    else this.found.push(fault);
  }

  /** Does a piece of work; what it throws is kept for `throwIfAny`, other than mistakes of the program itself. */
  attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      this.add(error);
      return undefined;
    }
  }

  /** Throws the one fault as it is, several as BuildFaults; the same fault met twice counts once. */
  throwIfAny(): void {
    const unique = [...new Map(this.found.map((fault) => [fault.message, fault])).values()];
    const [first] = unique;
    if (first === undefined) return;
    throw unique.length === 1 ? first : new BuildFaults(unique);
  }
}

/** Does the work for every item, and throws all that went wrong at the end. */
export function forEachCollecting<T, R>(items: Iterable<T>, work: (item: T, index: number) => R): R[] {
  const faults = new Faults();
  const results: R[] = [];
  let index = 0;
  for (const item of items) {
    const at = index++;
    faults.attempt(() => results.push(work(item, at)));
  }
  faults.throwIfAny();
  return results;
}
