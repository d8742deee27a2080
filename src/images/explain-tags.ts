import { isMillraceError } from '../base/error.ts';
import { compareBytes } from '../base/text.ts';
import { extractor } from './filter-tags.ts';
import { parseGoFloat } from './go-float.ts';
import type { TagSelection } from './policy.ts';
import { parseRanking, type Ranking, selectTag } from './select-tag.ts';
import { satisfiesComparator } from './semver-comparator.ts';
import { satisfiesRange, type VersionRange } from './semver-range.ts';
import { compareVersions, parseTagVersion, type Version } from './semver-version.ts';

/** The answer of a policy with, for every tag that was not chosen, the rule that rejected it. */
export interface TagExplanation {
  latest: string | null;
  /** Why no tag was chosen; the text an ImagePolicy would show. */
  error?: string;
  /** In descending byte order, the order in which Flux stores tags. */
  rejected: { tag: string; reason: string }[];
}

/** Runs a policy over tags and explains every rejection; never throws for what is wrong with the policy or the tags. */
export function explainTags(selection: TagSelection, tags: readonly string[]): TagExplanation {
  let latest: string | null = null;
  let error: string | undefined;
  try {
    latest = selectTag(selection, tags);
  } catch (thrown) {
    if (!isMillraceError(thrown, 'IMAGE_POLICY_INVALID', 'IMAGE_NO_TAG')) throw thrown;
    if (thrown.code === 'IMAGE_POLICY_INVALID') return { latest, error: thrown.message, rejected: [] };
    error = thrown.message;
  }
  const reasonOf = rejectionReasons(selection, latest);
  const others = [...new Set(tags)].filter((tag) => tag !== latest).sort((a, b) => compareBytes(b, a));
  const rejected = others.map((tag) => ({ tag, reason: reasonOf(tag) }));
  return { latest, ...(error !== undefined && { error }), rejected };
}

function rejectionReasons(selection: TagSelection, latest: string | null): (tag: string) => string {
  const ranking = parseRanking(selection.policy);
  const extract = extractor(selection.filterTags);
  const winner = latest === null ? undefined : { tag: latest, key: extract(latest) ?? latest };
  return (tag) => {
    const key = extract(tag);
    if (key === undefined) return `does not match filterTags.pattern '${selection.filterTags?.pattern}'`;
    const what = key === tag ? '' : `extracted as '${key}', `;
    const unfit = unfitReason(ranking, key);
    if (unfit !== undefined) return what + unfit;
    if (winner === undefined) return 'not reached: another tag makes the policy fail';
    if (key === winner.key) return `extracts to '${key}' like ${winner.tag}, which comes first in byte order`;
    return what + lowerReason(ranking, key, winner);
  };
}

/** Why a key can never win under a policy, or undefined when it is a candidate. */
function unfitReason(ranking: Ranking, key: string): string | undefined {
  if (ranking.kind === 'alphabetical') return undefined;
  if (ranking.kind === 'numerical') {
    return parseGoFloat(key) === undefined ? 'is not a number, which fails the whole policy' : undefined;
  }
  const version = parseTagVersion(key);
  if (version === undefined) return 'is not a semantic version with three parts';
  return satisfiesRange(ranking.range, version) ? undefined : outsideReason(ranking.range, version);
}

function outsideReason(range: VersionRange, version: Version): string {
  if (version.prerelease !== '' && range.groups.every((group) => !group.admitsPrereleases)) {
    return `is a prerelease, which the range '${range.text}' does not admit (write a bound with '-0' to admit them)`;
  }
  const failed = range.groups.map(({ comparators, admitsPrereleases }) => {
    if (version.prerelease !== '' && !admitsPrereleases) return 'prereleases are not admitted';
    return comparators.find((comparator) => !satisfiesComparator(comparator, version))?.text ?? '';
  });
  return `is outside the range '${range.text}': fails ${failed.join(' and ')}`;
}

function lowerReason(ranking: Ranking, key: string, winner: { tag: string; key: string }): string {
  if (ranking.kind === 'semver') {
    const version = parseTagVersion(key);
    const best = parseTagVersion(winner.key);
    const isEqual = version !== undefined && best !== undefined && compareVersions(version, best) === 0;
    return isEqual
      ? `is the same version as ${winner.tag}, which comes first`
      : `is a lower version than ${winner.tag}`;
  }
  const side = ranking.order === 'ASC' ? 'lower' : 'higher';
  if (ranking.kind === 'alphabetical') return `sorts ${side} than ${winner.tag}`;
  const isEqual = parseGoFloat(key) === parseGoFloat(winner.key);
  return isEqual ? `is the same number as ${winner.tag}, which counts` : `is a ${side} number than ${winner.tag}`;
}
