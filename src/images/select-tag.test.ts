import { expect, test } from 'vitest';
import { selectTag } from './select-tag.ts';

const semver = (range: string) => ({ semver: { range } });

const chosen: [string, Parameters<typeof selectTag>[0], string[], string][] = [
  ['versions are compared, not text', { policy: semver('1.x') }, ['1.9.0', '1.10.0', '2.0.0'], '1.10.0'],
  ['a partial version is a range', { policy: semver('1.2') }, ['1.2.9', '1.3.0'], '1.2.9'],
  ['hyphen ranges include a partial end', { policy: semver('1.2 - 2.0') }, ['2.0.5', '2.1.0'], '2.0.5'],
  [
    'a prerelease opens its whole group',
    { policy: semver('>=1.0.0-0, <2.0.0') },
    ['1.9.0', '2.0.0-rc.2'],
    '2.0.0-rc.2',
  ],
  ['but not another group', { policy: semver('>=1.0.0 || >=3.0.0-0') }, ['1.0.0', '2.0.0-rc.1'], '1.0.0'],
  [
    '64-bit parts are exact',
    { policy: semver('*') },
    ['9007199254740993.0.0', '9007199254740992.0.0'],
    '9007199254740993.0.0',
  ],
  ['of equal versions the greater text wins', { policy: semver('*') }, ['1.2.3', 'v1.2.3', '1.2.3+b'], 'v1.2.3'],
  ['alphabetical is by bytes', { policy: { alphabetical: {} } }, ['v9', 'v10', 'V99'], 'v9'],
  [
    'numbers are extracted',
    { policy: { numerical: {} }, filterTags: { pattern: '^main-(?P<n>[0-9]+)$', extract: '$n' } },
    ['main-9', 'main-10', 'dev-99'],
    'main-10',
  ],
  [
    'equal keys leave the smallest tag',
    { policy: semver('*'), filterTags: { pattern: '^([0-9.]+)-', extract: '$1' } },
    ['1.0.0-arm64', '1.0.0-amd64'],
    '1.0.0-amd64',
  ],
  [
    'a group of digits with leading zero is a name',
    { policy: { alphabetical: {} }, filterTags: { pattern: '(a)(?P<02>b)', extract: '$02' } },
    ['ab'],
    'ab',
  ],
];
test.each(chosen)('%s', (_, selection, tags, want) => {
  expect(selectTag(selection, tags)).toBe(want);
  expect(selectTag(selection, [...tags].reverse())).toBe(want);
});

const refused: [string, Parameters<typeof selectTag>[0], string[], string, string][] = [
  ['no policy', { policy: {} }, ['1.0.0'], 'IMAGE_POLICY_INVALID', 'given ImagePolicyChoice object is invalid'],
  ['a range that is none', { policy: semver('>=1.0.0;<2') }, ['1.0.0'], 'IMAGE_POLICY_INVALID', 'improper constraint'],
  ['trailing comma', { policy: semver('1.2,') }, ['1.0.0'], 'IMAGE_POLICY_INVALID', 'improper constraint'],
  [
    'look-ahead',
    { policy: { alphabetical: {} }, filterTags: { pattern: '(?!x)' } },
    ['a'],
    'IMAGE_POLICY_INVALID',
    "failed to filter tags: invalid regular expression pattern '(?!x)'",
  ],
  ['nothing fits', { policy: semver('3.x') }, ['2.0.0'], 'IMAGE_NO_TAG', 'unable to determine latest version'],
  ['no tags', { policy: semver('3.x') }, [], 'IMAGE_NO_TAG', 'version list argument cannot be empty'],
  [
    'a bad number',
    { policy: { numerical: {} } },
    ['1', 'x'],
    'IMAGE_NO_TAG',
    "failed to parse invalid numeric value 'x'",
  ],
];
test.each(refused)('%s is refused', (_, selection, tags, code, message) => {
  expect(() => selectTag(selection, tags)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});

test('hostile ranges and patterns end quickly', () => {
  const startedMs = performance.now();
  for (const range of [`${'1    '.repeat(800)}!`, '1'.repeat(4000), `${'1.'.repeat(2000)} - 2`, '>'.repeat(4000)]) {
    expect(() => selectTag({ policy: semver(range) }, ['1.0.0'])).toThrow();
  }
  const filterTags = { pattern: '^(a+)+$', extract: '$1' };
  expect(() => selectTag({ policy: semver('*'), filterTags }, [`${'a'.repeat(120)}!`])).toThrow('cannot be empty');
  expect(performance.now() - startedMs).toBeLessThan(2000);
});
