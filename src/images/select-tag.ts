import { MillraceError } from '../base/error.ts';
import { compareBytes } from '../base/text.ts';
import { type Candidate, standsBefore, visitCandidates } from './filter-tags.ts';
import { parseGoFloat } from './go-float.ts';
import type { TagPolicy, TagSelection } from './policy.ts';
import { parseRange, satisfiesRange, type VersionRange } from './semver-range.ts';
import { compareVersions, parseTagVersion, type Version } from './semver-version.ts';

export type Order = 'ASC' | 'DESC';

/** A policy that was checked and compiled: what to compare by. */
export type Ranking =
  | { kind: 'semver'; range: VersionRange }
  | { kind: 'alphabetical'; order: Order }
  | { kind: 'numerical'; order: Order };

/**
 * The tag that a policy chooses (spec/image.md §5), in whatever order the tags are given.
 *
 * Throws IMAGE_POLICY_INVALID when the policy, its range or its pattern is wrong, and IMAGE_NO_TAG when no tag
 * qualifies; the messages are those that an ImagePolicy's Ready condition shows.
 */
export function selectTag({ policy, filterTags: filter }: TagSelection, tags: readonly string[]): string {
  const ranking = parseRanking(policy);
  const contest = newContest(ranking);
  const count = visitCandidates(filter, tags, contest.enter);
  if (count === 0) throw noTag('version list argument cannot be empty');
  return contest.winner().tag;
}

/** Checks a policy. When several kinds are given, semver goes before alphabetical before numerical. */
export function parseRanking(policy: TagPolicy): Ranking {
  if (policy.semver !== undefined) return { kind: 'semver', range: parseRange(policy.semver.range) };
  if (policy.alphabetical !== undefined) return { kind: 'alphabetical', order: parseOrder(policy.alphabetical.order) };
  if (policy.numerical !== undefined) return { kind: 'numerical', order: parseOrder(policy.numerical.order) };
  throw new MillraceError('IMAGE_POLICY_INVALID', 'invalid policy: given ImagePolicyChoice object is invalid', {
    retry: 'never',
    hint: 'Give one of policy.semver, policy.alphabetical and policy.numerical.',
  });
}

/** Candidates enter one after the other; the winner is known when all have. Throws IMAGE_NO_TAG where nobody can win. */
interface Contest {
  enter(candidate: Candidate): void;
  winner(): Candidate;
}

function newContest(ranking: Ranking): Contest {
  switch (ranking.kind) {
    case 'semver':
      return contestOfVersions(ranking.range);
    case 'alphabetical':
      return contestOfTexts(ranking.order);
    case 'numerical':
      return contestOfNumbers(ranking.order);
  }
}

/** Of equal versions, the one whose key is greatest byte by byte (the first of the stored order). */
function contestOfVersions(range: VersionRange): Contest {
  let best: { candidate: Candidate; version: Version } | undefined;
  return {
    enter(candidate) {
      const version = parseTagVersion(candidate.key);
      if (version === undefined) return;
      if (best !== undefined) {
        const order = compareVersions(version, best.version);
        if (order < 0 || (order === 0 && !standsBefore(candidate, best.candidate))) return;
      }
      if (satisfiesRange(range, version)) best = { candidate, version };
    },
    winner() {
      if (best === undefined) throw noTag('unable to determine latest version from provided list');
      return best.candidate;
    },
  };
}

function contestOfTexts(order: Order): Contest {
  const sign = order === 'ASC' ? 1 : -1;
  let best: Candidate | undefined;
  return {
    enter(candidate) {
      const rank = best === undefined ? 1 : sign * compareBytes(candidate.key, best.key);
      if (best === undefined || rank > 0 || (rank === 0 && standsBefore(candidate, best))) best = candidate;
    },
    winner() {
      if (best === undefined) throw new Error('alphabetical policy without candidates');
      return best;
    },
  };
}

/** In descending byte order of the keys, since of equal numbers the later wins and NaN never holds its place. */
function contestOfNumbers(order: Order): Contest {
  const candidates: Candidate[] = [];
  return {
    enter: (candidate) => candidates.push(candidate),
    winner() {
      candidates.sort((a, b) => compareBytes(b.key, a.key) || compareBytes(b.tag, a.tag));
      let best: { candidate: Candidate; value: number } | undefined;
      for (const candidate of candidates) {
        const value = parseGoFloat(candidate.key);
        if (value === undefined) throw noTag(`failed to parse invalid numeric value '${candidate.key}'`);
        const keepsBest = best !== undefined && (order === 'ASC' ? value < best.value : value > best.value);
        if (!keepsBest) best = { candidate, value };
      }
      if (best === undefined) throw new Error('numerical policy without candidates');
      return best.candidate;
    },
  };
}

function parseOrder(order: string | undefined): Order {
  const upper = (order ?? 'asc').toUpperCase();
  // The empty string is Flux's own default before the schema's.
  if (upper === 'ASC' || upper === '') return 'ASC';
  if (upper === 'DESC') return 'DESC';
  throw new MillraceError(
    'IMAGE_POLICY_INVALID',
    `invalid policy: invalid order argument provided: '${upper}', must be one of: ASC, DESC`,
    { retry: 'never' },
  );
}

function noTag(message: string): MillraceError {
  return new MillraceError('IMAGE_NO_TAG', message, {
    hint: '`millrace policy test` shows for every tag the rule that rejected it.',
  });
}
