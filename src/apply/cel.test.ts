import { describe, expect, test } from 'vitest';
import { compilePredicate } from './cel.ts';

const dep = {
  metadata: { labels: { 'app/version': 'v1.2.3' }, generation: 3 },
  status: { observedGeneration: 3, conditions: [{ type: 'Ready', status: 'True' }], ratio: 1.5 },
};
const holds = (expression: string) => compilePredicate(expression, 'where', ['self', 'dep'])({ self: dep, dep });

const truths = [
  "dep.status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')",
  'dep.metadata.generation == dep.status.observedGeneration',
  "self.metadata.labels['app/version'] == dep.metadata.labels['app/version']",
  "has(dep.status.gone) || dep.metadata.?labels[?'x'].orValue('y') == 'y'",
  "'a,b'.split(',').join('-') == 'a-b'",
  "'abc'.charAt(1) == 'b' && 'abc'.indexOf('c') == 2 && 'abcabc'.lastIndexOf('c') == 5",
  "'a.b.c'.replace('.', '-') == 'a-b-c' && 'a.b.c'.replace('.', '-', 1) == 'a-b.c'",
  "'abc'.substring(1) == 'bc' && ' x '.trim() == 'x' && 'ABC'.lowerAscii() == 'abc' && 'abc'.reverse() == 'cba'",
  "'%s-%d-%.2f-%x%%'.format(['a', 1, 2.5, 255]) == 'a-1-2.50-ff%'",
  'strings.quote(\'a"\') == \'"a\\\\""\'',
  'sets.contains([1, 2, 3], [1, 2.0]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 2], [2, 1, 1])',
  "base64.encode(b'hi') == 'aGk=' && base64.decode('aGk=') == b'hi'",
  "dep.metadata.labels['app/version'].matches('^v[0-9]+') && matches('abc', 'b.')",
  "'x.matches(y)' == 'x.' + 'matches(y)'",
  'dep.status.ratio > 1 && 1 < 1.5 && 2u > 1',
  "timestamp('2026-01-01T00:00:00Z').getFullYear() == 2026 && duration('1h') > duration('1m')",
];
test.each(truths)('%s', (expression) => expect(holds(expression)).toBe(true));

describe('refuses', () => {
  const faults = [
    ['dep.x +', /^where: /],
    ['1 + 1', /it gives int, not bool/],
    ['other == 1', /Unknown variable: other/],
    ['dep.nothing()', /found no matching overload/],
  ] as const;
  test.each(faults)('%s', (expression, message) => {
    expect(() => holds(expression)).toThrow(
      expect.objectContaining({ code: 'CEL_INVALID', message: expect.stringMatching(message) }),
    );
  });
  test('a field that is not there, when it comes to it', () => {
    const predicate = compilePredicate('dep.missing.x == 1', 'where', ['dep']);
    expect(() => predicate({ dep })).toThrow(expect.objectContaining({ code: 'CEL_EVALUATION_FAILED' }));
  });
});

test('a pattern that is quadratic elsewhere is not here', () => {
  const begun = performance.now();
  expect(holds(`'${'a'.repeat(40)}!'.matches('^(a+)+$')`)).toBe(false);
  expect(performance.now() - begun).toBeLessThan(1_000);
});
