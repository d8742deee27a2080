import { valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { badRequest } from './status.ts';

export type Selector = (object: KubeObject) => boolean;

/** A label selector of a query: `a=b,c!=d,e in (f,g),h,!i`. */
export function parseLabelSelector(text: string | null): Selector {
  if (text === null || text.trim() === '') return () => true;
  const terms = splitTerms(text).map(parseTerm);
  return ({ metadata }) => terms.every((term) => term(metadata.labels ?? {}));
}

function splitTerms(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((term) => term.trim());
}

type Term = (labels: Readonly<Record<string, string>>) => boolean;

function parseTerm(term: string): Term {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    if (operator === 'in') return (labels) => labels[key] !== undefined && values.includes(labels[key]);
    return (labels) => labels[key] === undefined || !values.includes(labels[key]);
  }
  const comparison = /^([^=!\s]+)\s*(==?|!=)\s*(\S*)$/.exec(term);
  if (comparison !== null) {
    const [, key = '', operator, value = ''] = comparison;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  if (/^![^=!\s]+$/.test(term)) return (labels) => labels[term.slice(1)] === undefined;
  if (/^[^=!\s]+$/.test(term)) return (labels) => labels[term] !== undefined;
  throw badRequest(`unable to parse requirement: ${term}`);
}

/** A field selector of a query: `metadata.name=a,status.phase!=Running`; absent fields count as empty. */
export function parseFieldSelector(text: string | null): Selector {
  if (text === null || text.trim() === '') return () => true;
  const terms = text.split(',').map((term) => {
    const parsed = /^([^=!]+)(==?|!=)(.*)$/.exec(term.trim());
    if (parsed === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, path = '', operator, value] = parsed;
    return { path: path.split('.'), isEqual: operator !== '!=', value };
  });
  return (object) =>
    terms.every(({ path, isEqual, value }) => (String(valueAt(object, ...path) ?? '') === value) === isEqual);
}
