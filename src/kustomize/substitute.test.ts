import { describe, expect, test } from 'vitest';
import { isMillraceError } from '../base/error.ts';
import { substitute } from './substitute.ts';

const vars = { name: 'world', path: '/a/b/c.tar.gz', empty: '', num: '12345', umlaut: 'größe' };

const cases: [name: string, input: string, want: string][] = [
  ['a value', 'hello ${name}', 'hello world'],
  ['a default for an undefined variable', '${nope:=x}', 'x'],
  ['a default for an empty variable', '${empty:-x}', 'x'],
  ['a default of several expressions', '${nope:-a-${name}-${num}}', 'a-world-12345'],
  ['text without braces', '$name $5 $(date)', '$name $5 $(date)'],
  ['an escape', '$${name} costs $$5', '${name} costs $5'],
  ['lengths in bytes', '${#umlaut}', '7'],
  ['substrings in bytes', '${umlaut:2:2}', 'ö'],
  ['a substring from the end', '${num:0}${name: -2}', '12345world'],
  ['prefixes', '${path#*/} ${path##*/}', 'a/b/c.tar.gz c.tar.gz'],
  ['suffixes', '${path%.*} ${path%%.*}', '/a/b/c.tar /a/b/c'],
  ['classes of characters', '${num##[1-3]} ${num##*[^5]}', '2345 5'],
  ['a malformed pattern as no match', '${num#[1}', '12345'],
  ['replacement of literal text', '${path//\\//_} ${name/o/0}', '_a_b_c.tar.gz w0rld'],
  ['case', '${name^} ${name^^} ${umlaut^^}', 'World WORLD GRÖßE'],
  ['dollars in values and replacements literally', '${name/world/$&}', '$&'],
];
for (const [name, input, want] of cases) {
  test(`substitutes ${name}`, () => expect(substitute(input, vars)).toBe(want));
}

describe('faults', () => {
  const faults: [input: string, message: RegExp][] = [
    ['a\nb ${name', /missing closing brace in line 2/],
    ['${}', /unable to parse variable name/],
    ['${name-x}', /missing closing brace/],
    ['${name:0:-1}', /negative/],
    ['${nope} ${nada} ${nope}', /^variable not set \(strict mode\): "nope", "nada"$/],
    ['${name:-${nope}}', /"nope"/],
    ['${nope,^}', /"nope"/],
    [`${'${a:-'.repeat(100_000)}`, /nested too deeply/],
  ];
  for (const [input, message] of faults) {
    test(`throws for ${input.slice(0, 40)}`, () => {
      try {
        substitute(input, vars);
      } catch (error) {
        expect(isMillraceError(error, 'SUBSTITUTION_FAILED')).toBe(true);
        expect((error as Error).message).toMatch(message);
        return;
      }
      expect.unreachable();
    });
  }

  test('takes undefined variables as empty where not strict', () => {
    expect(substitute('a${nope}b', {}, { strict: false })).toBe('ab');
  });

  test('does not read properties that every object has', () => {
    expect(substitute('${constructor:-own}', {}, { strict: false })).toBe('own');
  });
});

test('a pattern of many stars takes no exponential time', () => {
  const started = performance.now();
  substitute(`\${v##${'*a'.repeat(60)}b}`, { v: 'a'.repeat(3000) });
  expect(performance.now() - started).toBeLessThan(5000);
});
