import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, test } from 'vitest';
import { compileTagPattern } from './tag-pattern.ts';
import { rememberByShape } from './tag-shapes.ts';

/** What patterns are made of, the awkward pieces among them: classes with hyphens, brackets and escapes, cases, counts. */
const pieces = [
  ...[
    'v',
    '-',
    '.',
    '\\.',
    '\\-',
    '\\d',
    '\\D',
    '\\w',
    '\\W',
    '\\s',
    '\\b',
    '\\B',
    '^',
    '$',
    '|',
    'a',
    'K',
    's',
    '5',
    '{',
    '_',
  ],
  ...['[0-9]', '[^0-9]', '[a-f]', '[^a-f0-9]', '[-a]', '[a-]', '[^-a]', '[]-a]', '[^]x]', '[+--]', '[\\-x]', '[\\--x]'],
  ...[
    '[!-z]',
    '[^!-4]',
    '[[:alpha:]]',
    '[[:^digit:]_]',
    '[[:digit:]-]',
    '[\\w.-]',
    '[\\]a]',
    '[[:punct:]]',
    '[[a]',
    '[\\\\a]',
  ],
  ...[
    '(',
    ')',
    '(?:',
    '(?i)',
    '(?i:',
    '(?-i)',
    '(?s).',
    '(?m)$',
    '(?U)',
    '(?P<n>',
    '*',
    '+',
    '?',
    '*?',
    '+?',
    '{2}',
    '{1,3}',
    '{0,}',
  ],
  ...['\\x41', '\\101', '\\pL', '\\Q1.\\E', '\\A', '\\z', '\\n', 'é', '(?i)k', '[k-s]', '0-9', '[0-5]', '[3-7]'],
];
const pattern = fc.array(fc.constantFrom(...pieces), { maxLength: 7 }).map((chosen) => chosen.join(''));
const letters = [...'vaAkKsSxZ059.-_ \n]\\[+!', 'é', '\u212a', '\u{1f600}', '\u017f'];
const tag = fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((chosen) => chosen.join(''));

function compiled(source: string): RE2JS | undefined {
  try {
    return RE2JS.compile(source);
  } catch {
    return undefined;
  }
}

test('the answers are those of the engine, whatever tags came before', () => {
  let compared = 0;
  fc.assert(
    fc.property(pattern, fc.array(tag, { minLength: 10, maxLength: 40 }), (source, tags) => {
      const engine = compiled(source);
      if (engine === undefined) return;
      const ours = compileTagPattern(source, (complaint) => complaint);
      const expand = ours.expander('<$0|$1>');
      for (const candidate of tags) {
        compared++;
        expect([source, candidate, ours.matches(candidate)]).toEqual([source, candidate, engine.test(candidate)]);
        const matcher = engine.matcher(candidate);
        const found = matcher.find()
          ? `<${matcher.group(0)}|${matcher.groupCount() > 0 ? (matcher.group(1) ?? '') : ''}>`
          : undefined;
        expect([source, candidate, expand(candidate)]).toEqual([source, candidate, found]);
      }
    }),
    { numRuns: 2000 },
  );
  expect(compared).toBeGreaterThan(10_000);
});

test('tags of one shape ask the engine once', () => {
  const asked: string[] = [];
  const answer = rememberByShape('^v([0-9]+)\\.[0-9]+$', (text) => asked.push(text));
  for (const text of ['v1.2', 'v3.4', 'v10.2', 'main-abc', 'prod-xyz', 'v11.9']) answer(text);
  expect(asked).toEqual(['v1.2', 'v10.2', 'main-abc']);
});

test('tags without end do not fill the memory', () => {
  const answer = rememberByShape('^[0-4]+$', (text) => text.length);
  const long = '0123456789'.repeat(200_000);
  for (let round = 0; round < 3; round++) expect(answer(`${round}${long}`)).toBe(long.length + 1);
});
