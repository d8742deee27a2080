import { Environment } from '@marcbachmann/cel-js';
import { errorMessage, MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { addExtensions, withSafePatterns } from './cel-extensions.ts';

/** A compiled CEL expression that says yes or no. Throws CEL_EVALUATION_FAILED where it cannot, as for an absent field. */
export type Predicate = (variables: Readonly<Record<string, unknown>>) => boolean;

/**
 * Compiles an expression over `names`, or over whatever is given where left out. Throws CEL_INVALID for what cannot be
 * parsed, names an unknown variable or can never be a truth value.
 */
export function compilePredicate(expression: string, where: string, names?: readonly string[]): Predicate {
  const environment = new Environment({
    unlistedVariablesAreDyn: names === undefined,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
  });
  addExtensions(environment);
  for (const name of names ?? []) environment.registerVariable(name, 'map');
  const safe = withSafePatterns(expression);
  let program: ReturnType<Environment['parse']>;
  try {
    program = environment.parse(safe);
    const { valid, type, error } = environment.check(safe);
    if (!valid) throw error;
    if (type !== 'bool' && type !== 'dyn') throw new Error(`it gives ${String(type)}, not bool`);
  } catch (cause) {
    throw new MillraceError('CEL_INVALID', `${where}: ${firstLine(cause)}`, { cause, retry: 'never' });
  }
  return (variables) => {
    let result: unknown;
    try {
      result = program(withWholeNumbers(variables) as Record<string, unknown>);
    } catch (cause) {
      throw new MillraceError('CEL_EVALUATION_FAILED', `${where}: ${firstLine(cause)}`, { cause });
    }
    if (typeof result !== 'boolean') {
      throw new MillraceError('CEL_EVALUATION_FAILED', `${where}: the expression gives no truth value`);
    }
    return result;
  };
}

/** CEL tells whole numbers from others; JSON of the API does not. */
function withWholeNumbers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(withWholeNumbers);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withWholeNumbers(item)]));
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n')[0] ?? '';
}
