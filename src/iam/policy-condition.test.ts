import { describe, expect, test } from 'vitest';
import { conditionHolds, explainCondition, parseConditions } from './policy-condition.ts';
import { conditionContext } from './policy-variables.ts';

type Values = Record<string, string | readonly string[] | undefined>;

function holds(element: Record<string, Record<string, string | string[]>>, values: Values): boolean {
  const context = conditionContext(values);
  return parseConditions(element).every((condition) => conditionHolds(condition, context, true));
}

describe('operators', () => {
  test.each([
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', 'a*', 'a*', true],
    ['StringNotEquals', 'a', 'b', true],
    ['StringNotEquals', 'a', 'a', false],
    ['StringEqualsIgnoreCase', 'a', 'A', true],
    ['StringNotEqualsIgnoreCase', 'a', 'A', false],
    ['StringLike', 'a*', 'a/b', true],
    ['StringLike', 'a?', 'a', false],
    ['StringNotLike', 'a*', 'ab', false],
    ['StringNotLike', 'a*', 'b', true],
    ['NumericEquals', '5', '5.0', true],
    ['NumericLessThan', '5', '4', true],
    ['NumericLessThan', '5', '5', false],
    ['NumericLessThanEquals', '5', '5', true],
    ['NumericGreaterThan', '5', '6', true],
    ['NumericGreaterThanEquals', '5', '5', true],
    ['NumericEquals', '5', 'five', false],
    ['NumericNotEquals', '5', '6', true],
    ['DateLessThan', '2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z', true],
    ['DateGreaterThan', '2026-01-01T00:00:00Z', '1767225601', true],
    ['DateEquals', '2026-01-01T00:00:00Z', '1767225600', true],
    ['DateNotEquals', '2026-01-01T00:00:00Z', '1767225600', false],
    ['DateLessThanEquals', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', true],
    ['DateGreaterThanEquals', '2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z', false],
    ['Bool', 'true', 'true', true],
    ['Bool', 'true', 'false', false],
    ['BinaryEquals', 'QmluYXJ5', 'QmluYXJ5', true],
    ['IpAddress', '10.0.0.0/8', '10.1.2.3', true],
    ['IpAddress', '10.0.0.0/8', '11.1.2.3', false],
    ['IpAddress', '10.1.2.3', '10.1.2.3', true],
    ['IpAddress', '2001:db8::/32', '2001:db8::1', true],
    ['IpAddress', '10.0.0.0/99', '10.0.0.1', false],
    ['NotIpAddress', '10.0.0.0/8', '11.1.2.3', true],
    ['ArnEquals', 'arn:aws:events:*:1:rule/*', 'arn:aws:events:eu-west-1:1:rule/x', true],
    ['ArnLike', 'arn:aws:events:eu-west-1:1:rule/x', 'arn:aws:events:eu-west-1:1:rule/y', false],
    ['ArnNotLike', 'arn:aws:events:eu-west-1:1:rule/x', 'arn:aws:events:eu-west-1:1:rule/y', true],
    ['ArnNotEquals', 'arn:aws:events:*:1:rule/*', 'arn:aws:events:eu-west-1:1:rule/x', false],
    // What only looks like a number, a time, a range or an ARN is none, and then nothing is allowed by it.
    ['NumericEquals', '0', '', false],
    ['NumericEquals', '16', '0x10', false],
    ['NumericLessThan', '5', '-1e3', true],
    ['NumericGreaterThan', '5', 'Infinity', false],
    ['NumericNotEquals', '5', 'five', true],
    ['DateLessThan', '2026-01-01T00:00:00Z', 'Thu, 01 Jan 1970 00:00:00 GMT', false],
    ['DateGreaterThan', '2026-01-01', '2026-01-01T00:00:01Z', true],
    ['DateLessThan', 'tomorrow', '2026-01-01T00:00:00Z', false],
    ['IpAddress', '10.0.0.0/', '11.1.2.3', false],
    ['IpAddress', '0.0.0.0/0', '11.1.2.3', true],
    ['IpAddress', '10.0.0.0/8/9', '10.1.2.3', false],
    ['IpAddress', '2001:db8::/32', '10.1.2.3', false],
    ['NotIpAddress', '10.0.0.0/8', 'no address', true],
    ['ArnLike', 'arn:aws:sqs:*', 'arn:aws:sqs:eu-west-1:1:queue', true],
    ['ArnLike', 'arn:aws:sqs:eu-west-1:*:queue', 'arn:aws:sqs:eu-west-1:1:2:queue', false],
    ['ArnEquals', 'arn:aws:sqs:eu-west-1:1:*', 'not an arn', false],
    ['StringLike', '*', '', true],
    ['StringLike', '?*', '', false],
    ['StringLike', 'a.c', 'abc', false],
    ['Bool', 'True', 'true', true],
  ])('%s %s against %s: %s', (operator, wanted, actual, want) => {
    expect(holds({ [operator]: { 'aws:k': wanted } }, { 'aws:K': actual })).toBe(want);
  });
});

// IAM user guide, "Condition operators": what a missing key means.
test.each([
  ['StringEquals', false],
  ['StringLike', false],
  ['NumericLessThan', false],
  ['Bool', false],
  ['StringNotEquals', true],
  ['StringNotLike', true],
  ['NotIpAddress', true],
  ['ArnNotLike', true],
  ['StringEqualsIfExists', true],
  ['BoolIfExists', true],
  ['ForAllValues:StringEquals', true],
  ['ForAnyValue:StringEquals', false],
  ['ForAnyValue:StringNotEquals', false],
])('%s on a key that the request lacks: %s', (operator, want) => {
  expect(holds({ [operator]: { 'aws:k': 'true' } }, {})).toBe(want);
});

test.each([
  ['true', undefined, true],
  ['true', 'x', false],
  ['false', 'x', true],
  ['false', undefined, false],
  ['True', undefined, true],
  ['FALSE', undefined, false],
])('Null %s with the key %s: %s', (wanted, actual, want) => {
  expect(holds({ Null: { 'aws:k': wanted } }, { 'aws:k': actual })).toBe(want);
});

// IAM user guide, "Multivalued context keys".
test.each([
  ['ForAllValues:StringEquals', ['a', 'b'], ['a'], true],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['c'], false],
  ['ForAllValues:StringNotEquals', ['a'], ['b', 'c'], true],
  ['ForAllValues:StringNotEquals', ['a'], ['a', 'c'], false],
  ['ForAnyValue:StringLike', ['a*'], ['x', 'ab'], true],
  ['ForAnyValue:StringNotEquals', ['a'], ['a', 'c'], true],
  ['ForAllValues:StringLike', ['a*'], [], true],
  ['ForAnyValue:StringEqualsIfExists', ['a'], [], true],
  ['StringNotEquals', ['a'], ['a', 'c'], false],
])('%s of %s with %s: %s', (operator, wanted, actual, want) => {
  expect(holds({ [operator]: { 'aws:k': wanted } }, { 'aws:k': actual })).toBe(want);
});

test('values are alternatives, keys and operators must all hold', () => {
  const element = { StringEquals: { 'x:aud': ['a', 'b'], 'x:sub': 's' }, StringLike: { 'x:sub': 's*' } };
  expect(holds(element, { 'x:aud': 'b', 'x:sub': 's' })).toBe(true);
  expect(holds(element, { 'x:aud': 'c', 'x:sub': 's' })).toBe(false);
  expect(holds(element, { 'x:aud': 'b', 'x:sub': 't' })).toBe(false);
});

test('none of the values of a negated operator may fit', () => {
  expect(holds({ StringNotEquals: { 'aws:k': ['a', 'b'] } }, { 'aws:k': 'b' })).toBe(false);
});

test('variables are replaced by literal text', () => {
  const context = { 'aws:username': 'bo*b', 'aws:k': 'home/bo*b/x' };
  expect(holds({ StringLike: { 'aws:k': 'home/${aws:username}/*' } }, context)).toBe(true);
  expect(holds({ StringLike: { 'aws:k': 'home/${aws:username}/*' } }, { ...context, 'aws:k': 'home/boxb/x' })).toBe(
    false,
  );
  expect(holds({ StringEquals: { 'aws:k': '${aws:absent}' } }, context)).toBe(false);
  expect(holds({ StringEquals: { 'aws:k': "${aws:absent, 'fallback'}" } }, { 'aws:k': 'fallback' })).toBe(true);
  expect(holds({ StringLike: { 'aws:k': '${*}a' } }, { 'aws:k': '*a' })).toBe(true);
  expect(holds({ StringLike: { 'aws:k': '${*}a' } }, { 'aws:k': 'xa' })).toBe(false);
});

test('an explanation names both sides and the usual mistake', () => {
  const [condition] = parseConditions({ StringEquals: { 'x:sub': 'system:serviceaccount:apps:*' } });
  expect(condition && explainCondition(condition, conditionContext({ 'x:sub': 'system:serviceaccount:apps:a' }))).toBe(
    'StringEquals on "x:sub": the request has "system:serviceaccount:apps:a", the policy wants "system:serviceaccount:apps:*" ("*" is an ordinary character in StringEquals; StringLike has wildcards)',
  );
});

test.each([
  [{ StringsEqual: { 'a:b': 'c' } }, 'Invalid Condition type : StringsEqual'],
  [{ NullIfExists: { 'a:b': 'true' } }, 'Invalid Condition type : NullIfExists'],
  [{ 'ForSomeValues:StringEquals': { 'a:b': 'c' } }, 'Invalid Condition type : ForSomeValues:StringEquals'],
  [{ toString: { 'a:b': 'c' } }, 'Invalid Condition type : toString'],
  [{ StringEquals: { 'a:b': { c: 'd' } } }, 'Syntax errors in policy.'],
  [{ StringEquals: { nokey: 'c' } }, 'must be prefaced by a vendor'],
  [{ StringEquals: 'x' }, 'Syntax errors in policy.'],
  ['x', 'Syntax errors in policy.'],
])('%j is refused', (element, message) => {
  expect(() => parseConditions(element)).toThrow(message);
});
