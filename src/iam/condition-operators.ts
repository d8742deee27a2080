import { BlockList, isIP } from 'node:net';
import { matchesArn } from './arn.ts';
import { type ConditionContext, expandPattern } from './policy-variables.ts';
import { matchesWildcards, type WildcardPattern } from './wildcard.ts';

interface MatchOptions {
  context: ConditionContext;
  variables: boolean;
}

/** A condition operator without quantifier and suffix. `matches` compares one value of the request with one of the policy. */
export type ConditionOperator =
  | { kind: 'null' }
  | { kind: 'compare'; negated: boolean; matches(actual: string, wanted: string, options: MatchOptions): boolean };

type Matcher = (actual: string, wanted: string, options: MatchOptions) => boolean;

/** Every operator by name; each negated form is the plain one turned round (IAM user guide, "Condition operators"). */
export const conditionOperators: Readonly<Record<string, ConditionOperator | undefined>> = {
  ...withNegation('StringEquals', 'StringNotEquals', stringMatcher(false, false)),
  ...withNegation('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', stringMatcher(false, true)),
  ...withNegation('StringLike', 'StringNotLike', stringMatcher(true, false)),
  // The two pairs behave the same: each segment is compared by itself, wildcards allowed.
  ...withNegation('ArnEquals', 'ArnNotEquals', arnMatches),
  ...withNegation('ArnLike', 'ArnNotLike', arnMatches),
  ...withNegation(
    'NumericEquals',
    'NumericNotEquals',
    comparison(parseNumber, (a, b) => a === b),
  ),
  NumericLessThan: plain(comparison(parseNumber, (a, b) => a < b)),
  NumericLessThanEquals: plain(comparison(parseNumber, (a, b) => a <= b)),
  NumericGreaterThan: plain(comparison(parseNumber, (a, b) => a > b)),
  NumericGreaterThanEquals: plain(comparison(parseNumber, (a, b) => a >= b)),
  ...withNegation(
    'DateEquals',
    'DateNotEquals',
    comparison(parseDate, (a, b) => a === b),
  ),
  DateLessThan: plain(comparison(parseDate, (a, b) => a < b)),
  DateLessThanEquals: plain(comparison(parseDate, (a, b) => a <= b)),
  DateGreaterThan: plain(comparison(parseDate, (a, b) => a > b)),
  DateGreaterThanEquals: plain(comparison(parseDate, (a, b) => a >= b)),
  Bool: plain((actual, wanted) => actual.toLowerCase() === wanted.toLowerCase()),
  BinaryEquals: plain((actual, wanted) => actual === wanted),
  ...withNegation('IpAddress', 'NotIpAddress', (actual, wanted) => isInRange(actual, wanted)),
  Null: { kind: 'null' },
};

function plain(matches: Matcher): ConditionOperator {
  return { kind: 'compare', negated: false, matches };
}

function withNegation(name: string, negation: string, matches: Matcher): Record<string, ConditionOperator> {
  return { [name]: plain(matches), [negation]: { kind: 'compare', negated: true, matches } };
}

function stringMatcher(wildcards: boolean, ignoreCase: boolean): Matcher {
  return (actual, wanted, { context, variables }) => {
    const pattern = expandPattern(wanted, { context, variables, wildcards });
    return pattern !== undefined && matchesWildcards(pattern, actual, { ignoreCase });
  };
}

function arnMatches(actual: string, wanted: string, { context, variables }: MatchOptions): boolean {
  const pattern: WildcardPattern | undefined = expandPattern(wanted, { context, variables, wildcards: true });
  return pattern !== undefined && matchesArn(pattern, actual);
}

function comparison(parse: (text: string) => number, compare: (a: number, b: number) => boolean): Matcher {
  return (actual, wanted) => {
    const [a, b] = [parse(actual), parse(wanted)];
    return !Number.isNaN(a) && !Number.isNaN(b) && compare(a, b);
  };
}

/** A decimal number; NaN for anything else, the empty text too. */
function parseNumber(text: string): number {
  return /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** Milliseconds since the epoch of an ISO 8601 time or of epoch seconds; NaN for anything else. */
function parseDate(text: string): number {
  if (/^\d{5,}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  return /^\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:?\d\d)?)?)?)?$/.test(text) ? Date.parse(text) : Number.NaN;
}

function isInRange(address: string, range: string): boolean {
  const family = isIP(address);
  const [, network = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  if (family === 0 || isIP(network) !== family) return false;
  const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
  if (bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
