/** The functions of `millrace/images` as they meet callers without types: what they are given is checked here, once. */
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import * as explain from './explain-tags.ts';
import type { TagFilter, TagPolicy, TagSelection } from './policy.ts';
import * as select from './select-tag.ts';
import type { PolicyRefs } from './setter-marker.ts';
import * as update from './update-markers.ts';

/**
 * The tag that a policy chooses, in whatever order the tags are given (spec/image.md §5).
 *
 * Throws IMAGE_POLICY_INVALID when the policy, its range or its pattern is wrong, IMAGE_NO_TAG when no tag qualifies (the
 * messages are those that an ImagePolicy's Ready condition shows), and BAD_INPUT for tags that are not strings.
 */
export function selectTag(selection: TagSelection, tags: Iterable<string>): string {
  return select.selectTag(checkSelection(selection), checkTags(tags));
}

/**
 * The tag that a policy chooses with, for every other tag, the rule that rejected it. What is wrong with the policy is told
 * in `error`, not thrown. Throws BAD_INPUT for tags that are not strings, IMAGE_POLICY_INVALID for what is no policy.
 */
export function explainTags(selection: TagSelection, tags: Iterable<string>): explain.TagExplanation {
  return explain.explainTags(checkSelection(selection), checkTags(tags));
}

/**
 * Writes what the policies chose wherever a setter marker names them (spec/image.md §7). Only the bytes of the changed
 * scalars differ: comments, quotes, blank lines, line ends, byte order mark and a missing final newline stay. Markers
 * that name no policy of `policies` (keys `namespace:name`) are left alone, and so is every file whose name does not count.
 * A file that does not parse comes back as it is, with the `problem`. Throws BAD_INPUT for a policy without image or tag.
 */
export function updateMarkers(fileName: string, text: string, policies: PolicyRefs): update.MarkerUpdate {
  if (typeof fileName !== 'string' || typeof text !== 'string') {
    throw badInput('updateMarkers takes the name of a file and its text');
  }
  if (!isRecord(policies)) throw badInput("policies is no object of { image, tag, digest? } by 'namespace:name'");
  for (const [id, ref] of Object.entries(policies)) {
    const isText = (field: string) => isRecord(ref) && typeof ref[field] === 'string';
    const hasDigest = isRecord(ref) && ref['digest'] !== undefined && ref['digest'] !== null;
    if (!isText('image') || !isText('tag') || (hasDigest && typeof ref.digest !== 'string')) {
      throw badInput(`policies['${id}'] is not of the form { image, tag, digest? }, all strings`);
    }
  }
  return update.updateMarkers(fileName, text, policies);
}

/** With null, as YAML gives it, taken for absent. */
function checkSelection(selection: TagSelection): TagSelection {
  const { policy, filterTags } = asObject(selection, 'the selection') ?? {};
  const kinds = asObject(policy, 'policy') ?? {};
  const semver = asObject(kinds['semver'], 'policy.semver');
  const alphabetical = asObject(kinds['alphabetical'], 'policy.alphabetical');
  const numerical = asObject(kinds['numerical'], 'policy.numerical');
  if (semver !== undefined && typeof semver['range'] !== 'string') throw badPolicy('policy.semver.range', 'a string');
  checkTexts(alphabetical, 'policy.alphabetical', ['order']);
  checkTexts(numerical, 'policy.numerical', ['order']);
  const filter = asObject(filterTags, 'filterTags');
  checkTexts(filter, 'filterTags', ['pattern', 'extract']);
  const checked = { ...(semver && { semver }), ...(alphabetical && { alphabetical }), ...(numerical && { numerical }) };
  return { policy: checked as TagPolicy, ...(filter && { filterTags: filter as TagFilter }) };
}

function asObject(value: unknown, name: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw badPolicy(name, 'an object');
  return value;
}

function checkTexts(object: Record<string, unknown> | undefined, name: string, fields: readonly string[]): void {
  for (const field of fields) {
    const value = object?.[field];
    if (value !== undefined && typeof value !== 'string') throw badPolicy(`${name}.${field}`, 'a string');
  }
}

function checkTags(tags: Iterable<string>): string[] {
  // A string is a list of characters to JavaScript, which nobody means.
  const isList = typeof tags === 'object' && tags !== null && Symbol.iterator in tags;
  if (!isList) throw badInput('tags is no list of strings');
  const list = Array.isArray(tags) ? (tags as string[]) : [...tags];
  const wrong = list.findIndex((tag) => typeof tag !== 'string');
  if (wrong >= 0) throw badInput(`tags[${wrong}] is no string`);
  return list;
}

function badPolicy(field: string, wanted: string): MillraceError {
  return new MillraceError('IMAGE_POLICY_INVALID', `invalid policy: ${field} is not ${wanted}`, {
    retry: 'never',
    hint: "A selection is { policy: { semver: { range: '1.x' } }, filterTags: { pattern, extract } }.",
  });
}

function badInput(message: string): MillraceError {
  return new MillraceError('BAD_INPUT', message, { retry: 'never' });
}
