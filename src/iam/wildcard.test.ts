import fc from 'fast-check';
import { expect, test } from 'vitest';
import { literalPattern, matchesWildcards, parseWildcards } from './wildcard.ts';

test.each([
  ['', '', true],
  ['*', '', true],
  ['?', '', false],
  ['a*c', 'abbbc', true],
  ['a*c', 'abbbd', false],
  ['a*b*c', 'a-b-b-c', true],
  ['**a', 'bca', true],
  ['a?c', 'a/c', true],
  ['a.c', 'abc', false],
  ['[a]', 'a', false],
  ['ünï*', 'ünïcode', true],
])('%s against %s: %s', (pattern, text, want) => {
  expect(matchesWildcards(parseWildcards(pattern), text)).toBe(want);
});

test('case counts unless told otherwise', () => {
  expect(matchesWildcards(parseWildcards('ecr:List*'), 'ECR:listimages')).toBe(false);
  expect(matchesWildcards(parseWildcards('ecr:List*'), 'ECR:listimages', { ignoreCase: true })).toBe(true);
});

test('a literal pattern has no wildcards', () => {
  expect(matchesWildcards(literalPattern('a*'), 'ab')).toBe(false);
  expect(matchesWildcards(literalPattern('a*'), 'a*')).toBe(true);
});

test('agrees with a regular expression', () => {
  const piece = fc.constantFrom('a', 'b', '*', '?', '/');
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 }),
      (p, t) => {
        const source = p.map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c)).join('');
        expect(matchesWildcards(parseWildcards(p.join('')), t.join(''))).toBe(
          new RegExp(`^${source}$`).test(t.join('')),
        );
      },
    ),
  );
});

test('a hostile pattern takes no time', () => {
  const started = performance.now();
  expect(matchesWildcards(parseWildcards(`${'*a'.repeat(40)}b`), 'a'.repeat(5000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(1000);
});
