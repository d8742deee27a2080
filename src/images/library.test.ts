import { expect, test } from 'vitest';
import { explainTags, selectTag, updateMarkers } from './index.ts';

const semver = { policy: { semver: { range: '1.x' } } };
const marked = 'a: b # {"$imagepolicy": "x:y"}\n';
// Callers without types: what TypeScript would refuse.
const untyped = (value: unknown) => value as never;

test.each([
  ['no selection', () => selectTag(untyped(undefined), ['1.0.0']), 'IMAGE_POLICY_INVALID', /Choice object is invalid/],
  [
    'a selection without policy',
    () => selectTag(untyped({}), ['1']),
    'IMAGE_POLICY_INVALID',
    /Choice object is invalid/,
  ],
  [
    'semver without range',
    () => selectTag(untyped({ policy: { semver: {} } }), ['1']),
    'IMAGE_POLICY_INVALID',
    /policy\.semver\.range is not a string/,
  ],
  [
    'a number for a pattern',
    () => selectTag(untyped({ ...semver, filterTags: { pattern: 1 } }), ['1']),
    'IMAGE_POLICY_INVALID',
    /filterTags\.pattern is not a string/,
  ],
  ['no tags', () => selectTag(semver, untyped(undefined)), 'BAD_INPUT', /tags is no list/],
  ['a text for tags', () => selectTag(semver, '1.0.0'), 'BAD_INPUT', /tags is no list/],
  ['a number among the tags', () => selectTag(semver, untyped(['1.0.0', 2])), 'BAD_INPUT', /tags\[1\] is no string/],
  ['a list without tags', () => selectTag(semver, []), 'IMAGE_NO_TAG', /version list argument cannot be empty/],
  ['no text of a file', () => updateMarkers('a.yaml', untyped(undefined), {}), 'BAD_INPUT', /the name of a file/],
  ['no policies', () => updateMarkers('a.yaml', marked, untyped(undefined)), 'BAD_INPUT', /policies is no object/],
  [
    'a policy without a tag',
    () => updateMarkers('a.yaml', marked, untyped({ 'x:y': { image: 'i' } })),
    'BAD_INPUT',
    /policies\['x:y'\] is not of the form/,
  ],
])('%s is refused with a code', (_, call, code, message) => {
  expect(call).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});

test('null counts as absent, and tags may come in any collection', () => {
  const policy = untyped({ policy: { semver: null, numerical: {} }, filterTags: null });
  expect(selectTag(policy, new Set(['3', '20']))).toBe('20');
});

test('a reason reads as a sentence about its tag', () => {
  expect(explainTags(semver, ['1.0.0', '0.1.0']).rejected).toEqual([
    { tag: '0.1.0', reason: "is outside the range '1.x': fails 1.x" },
  ]);
});
