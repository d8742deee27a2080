import { TemplateExecutionError } from '../template-error.ts';
import type { Value } from '../value.ts';
import { builtinFunctions } from './builtins.ts';
import { collectionFunctions } from './collections.ts';
import { conversionFunctions } from './conversion.ts';
import { mathFunctions } from './math.ts';
import { regexFunctions } from './regex.ts';
import { textFunctions } from './text.ts';
import { timeFunctions } from './time.ts';

/** A function of templates over evaluated arguments; throws a plain Error for wrong ones. */
export type TemplateFunction = (args: readonly Value[]) => Value;

export interface FunctionTable {
  has(name: string): boolean;
  /** Throws TemplateExecutionError. */
  call(name: string, args: readonly Value[]): Value;
}

/**
 * Go's own functions and Sprig's hermetic text functions: nothing that reads the clock's zone, the environment, the
 * network or randomness. Left out of Sprig's list: key and certificate generation, password hashing and encryption.
 */
export function createFunctionTable(now: () => number): FunctionTable {
  const functions = new Map<string, TemplateFunction>(
    [
      builtinFunctions,
      textFunctions,
      collectionFunctions,
      conversionFunctions,
      mathFunctions,
      regexFunctions,
      timeFunctions(now),
    ].flatMap((table) => Object.entries(table)),
  );
  return {
    has: (name) => functions.has(name) || name === 'and' || name === 'or',
    call(name, args) {
      const work = functions.get(name);
      if (work === undefined) throw new TemplateExecutionError(`"${name}" is not a defined function`);
      try {
        return work(args);
      } catch (cause) {
        if (cause instanceof TemplateExecutionError || !(cause instanceof Error)) throw cause;
        throw new TemplateExecutionError(`error calling ${name}: ${cause.message}`, { cause });
      }
    },
  };
}
