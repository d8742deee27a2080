import { isRecord } from '../base/json.ts';
import { type ConditionOperator, conditionOperators } from './condition-operators.ts';
import { malformed } from './malformed.ts';
import type { ConditionContext } from './policy-variables.ts';

/** One key of a Condition element. All conditions of a statement must hold; the values of one are alternatives. */
export interface PolicyCondition {
  /** The operator as written, with quantifier and suffix. */
  written: string;
  operator: ConditionOperator;
  quantifier: 'ForAllValues' | 'ForAnyValue' | undefined;
  ifExists: boolean;
  key: string;
  values: readonly string[];
}

/** Reads a Condition element. Throws IAM_POLICY_MALFORMED for an unknown operator or a value that cannot be one. */
export function parseConditions(element: unknown): PolicyCondition[] {
  if (element === undefined) return [];
  if (!isRecord(element)) throw malformed('Syntax errors in policy.');
  return Object.entries(element).flatMap(([written, keys]) => {
    const [, quantifier, name = '', suffix] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(written) ?? [];
    const operator = Object.hasOwn(conditionOperators, name) ? conditionOperators[name] : undefined;
    // Null asks for absence itself, so that IfExists would make no sense of it.
    if (operator === undefined || (operator.kind === 'null' && suffix !== undefined))
      throw malformed(`Invalid Condition type : ${written}`);
    if (!isRecord(keys)) throw malformed('Syntax errors in policy.');
    return Object.entries(keys).map(([key, value]): PolicyCondition => {
      if (!key.includes(':'))
        throw malformed(`Condition key "${key}" must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.`);
      return {
        written,
        operator,
        quantifier: quantifier === 'ForAllValues' || quantifier === 'ForAnyValue' ? quantifier : undefined,
        ifExists: suffix !== undefined,
        key,
        values: conditionValues(value),
      };
    });
  });
}

function conditionValues(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (typeof item === 'string' || typeof item === 'boolean' || typeof item === 'number') return String(item);
    throw malformed('Syntax errors in policy.');
  });
}

/**
 * Whether a condition holds for a request. The rules for a key that the request lacks: Null asks for exactly that; …IfExists
 * and ForAllValues hold, ForAnyValue does not; a negated operator holds, any other does not (IAM user guide, "IAM JSON
 * policy elements: Condition operators" and "Multivalued context keys").
 */
export function conditionHolds(condition: PolicyCondition, context: ConditionContext, variables: boolean): boolean {
  const { operator, quantifier, values } = condition;
  const present = context.get(condition.key.toLowerCase()) ?? [];
  if (operator.kind === 'null')
    return values.some((value) => (value.toLowerCase() === 'true') === (present.length === 0));
  if (present.length === 0)
    return condition.ifExists || quantifier === 'ForAllValues' || (quantifier === undefined && operator.negated);
  const matches = (actual: string) => values.some((wanted) => operator.matches(actual, wanted, { context, variables }));
  const satisfies = (actual: string) => matches(actual) !== operator.negated;
  if (quantifier === 'ForAllValues') return present.every(satisfies);
  if (quantifier === 'ForAnyValue') return present.some(satisfies);
  return operator.negated ? present.every(satisfies) : present.some(satisfies);
}

/** Says in one sentence why a condition does not hold, naming the key, both sides, and a usual mistake. */
export function explainCondition({ written, key, values }: PolicyCondition, context: ConditionContext): string {
  const present = context.get(key.toLowerCase());
  const wanted = values.map((value) => `"${value}"`).join(' or ');
  const sentence =
    present === undefined
      ? `${written} on "${key}": the request does not have this key; the policy wants ${wanted}`
      : `${written} on "${key}": the request has ${present.map((value) => `"${value}"`).join(', ')}, the policy wants ${wanted}`;
  const literalStar = /^(ForA\w+:)?StringEquals/.test(written) && values.some((value) => /[*?]/.test(value));
  return literalStar ? `${sentence} ("*" is an ordinary character in ${written}; StringLike has wildcards)` : sentence;
}
