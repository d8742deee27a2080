import { compareBytes } from '../base/text.ts';
import { parseGoFloat } from './go-float.ts';
import type { TagPolicy } from './policy.ts';
import { parseRanking } from './select-tag.ts';
import { compareVersions, parseTagVersion } from './semver-version.ts';

/**
 * How two extracted tags rank under a policy: positive when the policy prefers `a`, 0 for equals, undefined where one of
 * them has no rank. Whether they lie in a range does not count. Throws IMAGE_POLICY_INVALID.
 */
export function comparePriority(policy: TagPolicy, a: string, b: string): number | undefined {
  const ranking = parseRanking(policy);
  if (ranking.kind === 'semver') {
    const left = parseTagVersion(a);
    const right = parseTagVersion(b);
    return left === undefined || right === undefined ? undefined : compareVersions(left, right);
  }
  const sign = ranking.order === 'ASC' ? 1 : -1;
  if (ranking.kind === 'alphabetical') return sign * compareBytes(a, b);
  const left = parseGoFloat(a);
  const right = parseGoFloat(b);
  return left === undefined || right === undefined ? undefined : sign * (left - right);
}
