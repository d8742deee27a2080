import { formatFieldErrors, invalidValue } from '../errors/field-error.ts';
import { badRequest } from '../errors/status-error.ts';
import { labelValueFault, qualifiedNameFault } from '../validation/formats.ts';

/** One condition on one label. */
export interface Requirement {
  key: string;
  operator: 'exists' | 'absent' | 'in' | 'notin' | 'gt' | 'lt';
  values: readonly string[];
}

/**
 * Parses a label selector of a query: `a=b,c in (d,e),!f`. Throws 400 in the words of `k8s.io/apimachinery/pkg/labels`.
 */
export function parseLabelSelector(selector: string): Requirement[] {
  const tokens = new Tokens(selector);
  const requirements: Requirement[] = [];
  if (tokens.peek() === undefined) return requirements;
  for (;;) {
    const first = tokens.peek();
    if (first === undefined || (first !== '!' && isSymbol(first))) {
      throw badRequest(`found '${first ?? ''}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(parseRequirement(tokens));
    const next = tokens.take();
    if (next === undefined) return requirements;
    if (next !== ',') throw badRequest(`found '${next}', expected: ',' or 'end of string'`);
    const after = tokens.peek();
    if (after === undefined || (after !== '!' && isSymbol(after))) {
      throw badRequest(`found '${after ?? ''}', expected: identifier after ','`);
    }
  }
}

/** Names, and the symbols `( ) , ! = == != < >`. */
class Tokens {
  private readonly all: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.all = text.match(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g) ?? [];
  }

  peek(): string | undefined {
    return this.all[this.at];
  }

  take(): string | undefined {
    return this.all[this.at++];
  }
}

function isSymbol(token: string): boolean {
  return /^[=!(),<>]/.test(token);
}

const operators: Readonly<Record<string, Requirement['operator']>> = {
  in: 'in',
  notin: 'notin',
  '=': 'in',
  '==': 'in',
  '!=': 'notin',
  '>': 'gt',
  '<': 'lt',
};

function parseRequirement(tokens: Tokens): Requirement {
  const isAbsent = tokens.peek() === '!';
  if (isAbsent) tokens.take();
  const key = tokens.take();
  if (key === undefined || isSymbol(key)) throw cannotParse(`found '${key ?? ''}', expected: identifier`);
  const keyFault = qualifiedNameFault(key);
  if (keyFault !== undefined) throw cannotParse(formatFieldErrors([invalidValue('<nil>', key, keyFault)]));
  const next = tokens.peek();
  if (isAbsent) return { key, operator: 'absent', values: [] };
  if (next === undefined || next === ',') return { key, operator: 'exists', values: [] };
  tokens.take();
  const operator = operators[next];
  if (operator === undefined) throw cannotParse(`found '${next}', expected: in, notin, =, ==, !=, gt, lt`);
  const values = next === 'in' || next === 'notin' ? parseValues(tokens) : [parseExactValue(tokens)];
  const faults = values.flatMap((value, index) => {
    if ((operator === 'gt' || operator === 'lt') && !/^[+-]?\d+$/.test(value)) {
      return [invalidValue(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")];
    }
    const fault = labelValueFault(value);
    return fault === undefined ? [] : [invalidValue(`values[${index}][${key}]`, value, fault)];
  });
  if (faults.length > 0) throw cannotParse(formatFieldErrors(faults));
  return { key, operator, values };
}

function parseExactValue(tokens: Tokens): string {
  const next = tokens.peek();
  if (next === undefined || next === ',') return '';
  tokens.take();
  if (isSymbol(next)) throw cannotParse(`found '${next}', expected: identifier`);
  return next;
}

function parseValues(tokens: Tokens): string[] {
  const open = tokens.take();
  if (open !== '(') throw cannotParse(`found '${open ?? ''}' expected: '('`);
  if (tokens.peek() === ')') {
    tokens.take();
    return [''];
  }
  const first = tokens.peek();
  if (first === undefined || (isSymbol(first) && first !== ',')) {
    throw cannotParse(`found '${first ?? ''}', expected: ',', ')' or identifier`);
  }
  const values = new Set<string>();
  let expectsValue = true;
  for (;;) {
    const token = tokens.take();
    if (token === ')' || token === ',') {
      if (expectsValue) values.add('');
      if (token === ')') return [...values].sort();
      expectsValue = true;
    } else if (token === undefined || isSymbol(token) || !expectsValue) {
      throw cannotParse(`found '${token ?? ''}', expected: ${expectsValue ? "',', or identifier" : "',' or ')'"}`);
    } else {
      values.add(token);
      expectsValue = false;
    }
  }
}

function cannotParse(why: string) {
  return badRequest(`unable to parse requirement: ${why}`);
}
