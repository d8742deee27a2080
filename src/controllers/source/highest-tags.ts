import { parseRange, satisfiesRange } from '../../images/semver-range.ts';
import { compareVersions, parseTagVersion, type Version } from '../../images/semver-version.ts';

/**
 * The tags of the highest version in a range, by the rules of Masterminds/semver; several where versions differ in their
 * build metadata alone, none where no version fits. Throws IMAGE_POLICY_INVALID for a range that is none.
 */
export function highestTags(range: string, tags: Iterable<string>): string[] {
  const wanted = parseRange(range);
  let best: { version: Version; tags: string[] } | undefined;
  for (const tag of tags) {
    const version = parseTagVersion(tag);
    if (version === undefined || !satisfiesRange(wanted, version)) continue;
    const order = best === undefined ? 1 : compareVersions(version, best.version);
    if (order > 0) best = { version, tags: [tag] };
    else if (order === 0) best?.tags.push(tag);
  }
  return best?.tags ?? [];
}
