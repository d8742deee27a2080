import { MillraceError } from '../base/error.ts';
import { applyOperation } from './substitute-operations.ts';
import { type Expression, parseTemplate, type TemplatePart } from './substitute-template.ts';

export interface SubstituteOptions {
  /** An undefined variable without a default is an error instead of empty text. Default true, as Flux since 2.9. */
  strict?: boolean;
}

/**
 * Replaces `${name}` and the forms of it that Flux knows (spec/kustomization.md §6) in any text:
 * `substitute('a: ${x:-1}', {})` is `a: 1`. Values are inserted as they are and not substituted again. Throws
 * SUBSTITUTION_FAILED for an expression that cannot be read, and in strict mode for undefined variables: all of them
 * are named.
 */
export function substitute(
  text: string,
  vars: Readonly<Record<string, string>>,
  { strict = true }: SubstituteOptions = {},
): string {
  if (!text.includes('$')) return text;
  const undefinedNames = new Set<string>();
  const result = expand(parseTemplate(text), { vars, strict, undefinedNames });
  if (undefinedNames.size > 0) {
    const names = [...undefinedNames].map((name) => JSON.stringify(name)).join(', ');
    throw new MillraceError('SUBSTITUTION_FAILED', `variable not set (strict mode): ${names}`, {
      hint: 'Define the variable, give a default (${name:=value}), or write $${name} where it is meant literally.',
      retry: 'never',
    });
  }
  return result;
}

interface Context {
  vars: Readonly<Record<string, string>>;
  strict: boolean;
  /** Filled in strict mode. */
  undefinedNames: Set<string>;
}

function expand(parts: readonly TemplatePart[], context: Context): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : evaluate(part, context);
  return text;
}

/** Arguments are evaluated whether they are needed or not, so a default's own undefined variables count. */
function evaluate({ name, operation, args }: Expression, context: Context): string {
  const values = args.map((arg) => expand(arg, context));
  const value = Object.hasOwn(context.vars, name) ? context.vars[name] : undefined;
  if (value === undefined && context.strict && operation !== 'default') context.undefinedNames.add(name);
  return applyOperation(operation, value ?? '', values);
}
