import { isRecord } from '../../../base/json.ts';
import { matchesWildcards, parseWildcards } from '../../../iam/wildcard.ts';

/**
 * Whether an event matches a rule's pattern: every field of the pattern must be there, and its list names values or
 * comparisons of which one must fit (EventBridge user guide, "Creating event patterns" and "Comparison operators").
 */
export function matchesEvent(pattern: Readonly<Record<string, unknown>>, event: unknown): boolean {
  if (!isRecord(event)) return false;
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === '$or')
      return Array.isArray(wanted) && wanted.some((branch) => isRecord(branch) && matchesEvent(branch, event));
    const value = event[field];
    if (!Array.isArray(wanted)) return isRecord(wanted) && matchesEvent(wanted, value);
    const values = Array.isArray(value) ? value : [value];
    return wanted.some((matcher) =>
      isRecord(matcher) && 'exists' in matcher
        ? matcher['exists'] === (value !== undefined)
        : values.some((item) => matchesValue(matcher, item)),
    );
  });
}

function matchesValue(matcher: unknown, value: unknown): boolean {
  if (!isRecord(matcher)) return matcher === value;
  return Object.entries(matcher).every(([operator, operand]) => compare(operator, operand, value));
}

function compare(operator: string, operand: unknown, value: unknown): boolean {
  switch (operator) {
    case 'prefix':
      return text(value).startsWith(text(operand));
    case 'suffix':
      return text(value).endsWith(text(operand));
    case 'equals-ignore-case':
      return typeof value === 'string' && value.toLowerCase() === text(operand).toLowerCase();
    case 'wildcard':
      return typeof value === 'string' && matchesWildcards(parseWildcards(text(operand)), value);
    case 'anything-but':
      return value !== undefined && !anyOf(operand).some((excluded) => matchesValue(excluded, value));
    case 'numeric':
      return typeof value === 'number' && Array.isArray(operand) && matchesNumbers(operand, value);
    default:
      return false;
  }
}

/** `[">", 0, "<=", 5]`. */
function matchesNumbers(operand: readonly unknown[], value: number): boolean {
  for (let i = 0; i + 1 < operand.length; i += 2) {
    const bound = Number(operand[i + 1]);
    const holds =
      { '=': value === bound, '<': value < bound, '<=': value <= bound, '>': value > bound, '>=': value >= bound }[
        String(operand[i])
      ] ?? false;
    if (!holds) return false;
  }
  return true;
}

function anyOf(operand: unknown): readonly unknown[] {
  return Array.isArray(operand) ? operand : [operand];
}

/** A text that nothing begins or ends with stands for what is no text. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : '\u0000';
}
