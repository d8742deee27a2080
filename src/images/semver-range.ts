import { MillraceError } from '../base/error.ts';
import { type Comparator, type ComparatorOperator, satisfiesComparator } from './semver-comparator.ts';
import { parseLooseVersion, type Version } from './semver-version.ts';

/** Alternatives (`||`), each a group of comparators that must all hold. Made by parseRange. */
export interface VersionRange {
  readonly text: string;
  readonly groups: readonly ComparatorGroup[];
}

export interface ComparatorGroup {
  readonly comparators: readonly Comparator[];
  /** A prerelease in any comparator admits prereleases to the whole group, of any version (unlike npm). */
  readonly admitsPrereleases: boolean;
}

/** Longer ranges are refused: no real one comes near, and matching stays cheap for hostile ones. */
const maxRangeLength = 4096;

const part = '[0-9xX*|]+';
const suffix = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const version = `v?${part}(?:\\.${part})?(?:\\.${part})?(?:-${suffix})?(?:\\+${suffix})?`;
// Go's \s: no vertical tab, no Unicode blanks.
const blank = '[\\t\\n\\f\\r ]';
const hyphenRange = new RegExp(`${blank}*(${version})${blank}+-${blank}+(${version})${blank}*`, 'g');
const comparatorText = new RegExp(`${blank}*(=>|=<|>=|<=|!=|~>|=|>|<|~|\\^|)${blank}*(${version})`, 'y');
const separator = new RegExp(`${blank}*,${blank}*|${blank}+`, 'y');
const versionParts = new RegExp(`^v?(${part})(?:\\.(${part}))?(?:\\.(${part}))?(-${suffix})?(?:\\+${suffix})?$`);

/**
 * Parses a version range by the grammar of Masterminds/semver v3 (spec/image.md §5.4).
 * Throws IMAGE_POLICY_INVALID with that library's message for anything else.
 */
export function parseRange(text: string): VersionRange {
  if (text.length > maxRangeLength) throw improper(`${text.slice(0, 40)}…`);
  const rewritten = text.replace(hyphenRange, (_, from: string, to: string) => `>= ${from}, <= ${to} `);
  return { text, groups: rewritten.split('||').map(parseGroup) };
}

/** Whether a version lies in the range. */
export function satisfiesRange(range: VersionRange, candidate: Version): boolean {
  return range.groups.some((group) => satisfiesGroup(group, candidate));
}

function satisfiesGroup({ comparators, admitsPrereleases }: ComparatorGroup, candidate: Version): boolean {
  if (candidate.prerelease !== '' && !admitsPrereleases) return false;
  for (const comparator of comparators) if (!satisfiesComparator(comparator, candidate)) return false;
  return true;
}

function parseGroup(segment: string): ComparatorGroup {
  const comparators: Comparator[] = [];
  let position = 0;
  do {
    comparatorText.lastIndex = position;
    const match = comparatorText.exec(segment);
    if (match === null) throw improper(segment);
    comparators.push(parseComparator(match[1] as ComparatorOperator, match[2] ?? ''));
    position = skipSeparator(segment, comparatorText.lastIndex);
  } while (position < segment.length);
  return { comparators, admitsPrereleases: comparators.some(({ bound }) => bound.prerelease !== '') };
}

/** The position after the separator that follows a comparator; the end of the segment after trailing blanks. */
function skipSeparator(segment: string, position: number): number {
  if (position === segment.length) return position;
  separator.lastIndex = position;
  const match = separator.exec(segment);
  if (match === null) throw improper(segment);
  if (separator.lastIndex === segment.length && match[0].includes(',')) throw improper(segment);
  return separator.lastIndex;
}

function parseComparator(operator: ComparatorOperator, text: string): Comparator {
  const [, major = '', minor = '', patch = '', prerelease = ''] = versionParts.exec(text) ?? [];
  // A missing or wildcard part makes everything to its right meaningless.
  if (isWildcard(major))
    return { text: operator + text, operator, precision: 'any', bound: parseBound(`0.0.0${prerelease}`) };
  if (isWildcard(minor)) {
    return { text: operator + text, operator, precision: 'major', bound: parseBound(`${major}.0.0${prerelease}`) };
  }
  if (isWildcard(patch)) {
    return {
      text: operator + text,
      operator,
      precision: 'minor',
      bound: parseBound(`${major}.${minor}.0${prerelease}`),
    };
  }
  return { text: operator + text, operator, precision: 'patch', bound: parseBound(text) };
}

function isWildcard(text: string): boolean {
  return text === '' || text === 'x' || text === 'X' || text === '*';
}

function parseBound(text: string): Version {
  const bound = parseLooseVersion(text);
  if (bound === undefined) throw invalid('constraint parser error');
  return bound;
}

function improper(segment: string): MillraceError {
  return invalid(`improper constraint: ${JSON.stringify(segment)}`);
}

function invalid(message: string): MillraceError {
  return new MillraceError('IMAGE_POLICY_INVALID', `invalid policy: ${message}`, {
    retry: 'never',
    hint: 'Write a range like "^1.2", ">=1.0.0 <2.0.0-0" or "1.x"; separate comparators by blanks or commas, alternatives by "||".',
  });
}
