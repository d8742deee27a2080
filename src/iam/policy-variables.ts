import { literalPattern, parseWildcards, type WildcardPattern, type WildcardToken } from './wildcard.ts';

/**
 * What is known about a request when conditions are examined: condition key → its values. Keys are compared without
 * regard to case, so they are held in lower case; build one with `conditionContext`.
 */
export type ConditionContext = ReadonlyMap<string, readonly string[]>;

/** Makes a context of plain values; an undefined value means that the request does not have the key. */
export function conditionContext(values: Record<string, string | readonly string[] | undefined>): ConditionContext {
  const context = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) context.set(key.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  return context;
}

const variable = /\$\{([^}]*)\}/;
const withDefault = /^\s*([^,\s]+)\s*,\s*'([^']*)'\s*$/;

export interface ExpandOptions {
  context: ConditionContext;
  /** Policy variables exist in documents of version 2012-10-17 alone; before it `${…}` is plain text. */
  variables: boolean;
  /** Whether `*` and `?` outside variables are wildcards. */
  wildcards: boolean;
}

/**
 * Replaces policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}` and the characters `${*}`, `${?}`,
 * `${$}`. Undefined when the request lacks a key (or has several values for it) and no default is given: the element then
 * matches nothing (IAM user guide, "IAM policy elements: Variables and tags").
 */
export function expandPattern(
  text: string,
  { context, variables, wildcards }: ExpandOptions,
): WildcardPattern | undefined {
  const parse = wildcards ? parseWildcards : literalPattern;
  if (!variables) return parse(text);
  const tokens: WildcardToken[] = [];
  let rest = text;
  for (let found = variable.exec(rest); found !== null; found = variable.exec(rest)) {
    const value = variableValue(found[1] ?? '', context);
    if (value === undefined) return undefined;
    tokens.push(...parse(rest.slice(0, found.index)), ...literalPattern(value));
    rest = rest.slice(found.index + found[0].length);
  }
  tokens.push(...parse(rest));
  return tokens;
}

function variableValue(name: string, context: ConditionContext): string | undefined {
  if (name === '*' || name === '?' || name === '$') return name;
  const [, key, fallback] = withDefault.exec(name) ?? [undefined, name.trim(), undefined];
  const values = context.get((key ?? '').toLowerCase());
  return values?.length === 1 ? values[0] : fallback;
}
