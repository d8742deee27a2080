import { MillraceError } from '../base/error.ts';

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/**
 * A selector as the API's query parameter has it: `a=b,c!=d,e,!f,g in (h,i),j notin (k)`; everything must hold. Throws
 * BAD_INPUT.
 */
export function parseLabelSelector(text: string, where: string): LabelTest {
  const tests = requirementsOf(text).map((requirement) => parseRequirement(requirement, where));
  return (labels) => tests.every((test) => test(labels));
}

/** Splits at commas outside of parentheses. */
function requirementsOf(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseRequirement(text: string, where: string): LabelTest {
  const set = /^([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    const isIn: LabelTest = (labels) => labels[key] !== undefined && values.includes(labels[key]);
    return operator === 'in' ? isIn : (labels) => !isIn(labels);
  }
  const [, key = '', operator, value = ''] = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(text) ?? [];
  if (operator !== undefined) return (labels) => (labels[key] === value) === (operator !== '!=');
  const [, not, name] = /^(!?)\s*([\w./-]+)$/.exec(text) ?? [];
  if (name !== undefined) return (labels) => (labels[name] !== undefined) === (not === '');
  throw new MillraceError('BAD_INPUT', `${where}: '${text}' is no label selector`, { retry: 'never' });
}
