/**
 * Semantic versions as Masterminds/semver v3 reads them, which is what Flux uses for image tags, git tags and OCI tags
 * (spec/image.md §5.3, §5.4). Looser than semver.org: a leading `v` and leading zeros are accepted.
 */

/** A version number part: a number where it is exact, a bigint above 2^53. Equal values always have the same type. */
export type VersionNumber = number | bigint;

export interface Version {
  readonly major: VersionNumber;
  readonly minor: VersionNumber;
  readonly patch: VersionNumber;
  /** Without the leading `-`; '' for a release. */
  readonly prerelease: string;
}

const versionPattern =
  /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const maxUint64 = 18446744073709551615n;

/** A version with one to three parts (missing ones are 0), or undefined for anything that is none. */
export function parseLooseVersion(text: string): Version | undefined {
  const match = versionPattern.exec(text);
  if (match === null) return undefined;
  const major = parseVersionNumber(match[1]);
  const minor = parseVersionNumber(match[2]);
  const patch = parseVersionNumber(match[3]);
  const prerelease = match[4] ?? '';
  if (major === undefined || minor === undefined || patch === undefined || hasNumericLeadingZero(prerelease)) {
    return undefined;
  }
  return { major, minor, patch, prerelease };
}

/** The version that a tag is, or undefined: a tag must have three parts at least to count (spec/image.md §5.3). */
export function parseTagVersion(tag: string): Version | undefined {
  const firstDot = tag.indexOf('.');
  if (firstDot < 0 || tag.indexOf('.', firstDot + 1) < 0) return undefined;
  return parseLooseVersion(tag);
}

/** Precedence: negative when `a` is lower. Build metadata does not count. */
export function compareVersions(a: Version, b: Version): number {
  if (a.major !== b.major) return a.major < b.major ? -1 : 1;
  if (a.minor !== b.minor) return a.minor < b.minor ? -1 : 1;
  if (a.patch !== b.patch) return a.patch < b.patch ? -1 : 1;
  return comparePrereleases(a.prerelease, b.prerelease);
}

/** A release ('') is higher than any prerelease; identifiers count left to right, and more of them are higher. */
export function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  const left = a.split('.');
  const right = b.split('.');
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const order = compareIdentifiers(left[i] ?? '', right[i] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareIdentifiers(a: string, b: string): number {
  if (a === b) return 0;
  const left = numericIdentifier(a);
  const right = numericIdentifier(b);
  if (left !== undefined && right !== undefined) return left < right ? -1 : 1;
  if (left !== undefined) return -1;
  if (right !== undefined) return 1;
  return a < b ? -1 : 1;
}

/** Identifiers of digits are numbers; past 64 bits the reference library falls back to text, and so do we. */
function numericIdentifier(text: string): VersionNumber | undefined {
  return /^[0-9]+$/.test(text) ? parseVersionNumber(text) : undefined;
}

function parseVersionNumber(digits: string | undefined): VersionNumber | undefined {
  if (digits === undefined) return 0;
  if (digits.length <= 15) return Number(digits);
  const value = BigInt(digits);
  if (value > maxUint64) return undefined;
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function hasNumericLeadingZero(prerelease: string): boolean {
  return prerelease.includes('0') && prerelease.split('.').some((identifier) => /^0[0-9]+$/.test(identifier));
}
