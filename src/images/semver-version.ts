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

/** What may follow the numbers: prerelease, build metadata. */
const suffixPattern = /^(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const maxUint64 = 18446744073709551615n;

/** A version with one to three parts (missing ones are 0), or undefined for anything that is none. */
export function parseLooseVersion(text: string): Version | undefined {
  // By hand up to the suffix: a policy may have 100,000 tags to look at.
  const majorStart = text.startsWith('v') ? 1 : 0;
  const majorEnd = endOfDigits(text, majorStart);
  const minorEnd = text[majorEnd] === '.' ? endOfDigits(text, majorEnd + 1) : undefined;
  const patchEnd = minorEnd !== undefined && text[minorEnd] === '.' ? endOfDigits(text, minorEnd + 1) : undefined;
  const major = parseVersionNumber(text, majorStart, majorEnd);
  const minor = minorEnd === undefined ? 0 : parseVersionNumber(text, majorEnd + 1, minorEnd);
  const patch = patchEnd === undefined ? 0 : parseVersionNumber(text, (minorEnd ?? 0) + 1, patchEnd);
  const prerelease = parsePrerelease(text, patchEnd ?? minorEnd ?? majorEnd);
  if (major === undefined || minor === undefined || patch === undefined || prerelease === undefined) return undefined;
  return { major, minor, patch, prerelease };
}

function endOfDigits(text: string, start: number): number {
  let end = start;
  for (let code = text.charCodeAt(end); code >= 48 && code <= 57; code = text.charCodeAt(end)) end++;
  return end;
}

function parsePrerelease(text: string, start: number): string | undefined {
  if (start === text.length) return '';
  const match = suffixPattern.exec(text.slice(start));
  const prerelease = match?.[1] ?? '';
  return match === null || hasNumericLeadingZero(prerelease) ? undefined : prerelease;
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
  return /^[0-9]+$/.test(text) ? parseVersionNumber(text, 0, text.length) : undefined;
}

/** The number that the digits from `start` to `end` are; undefined for no digits, or more than 64 bits hold. */
function parseVersionNumber(text: string, start: number, end: number): VersionNumber | undefined {
  if (start === end) return undefined;
  if (end - start <= 15) {
    let number = 0;
    for (let index = start; index < end; index++) number = number * 10 + text.charCodeAt(index) - 48;
    return number;
  }
  const value = BigInt(text.slice(start, end));
  if (value > maxUint64) return undefined;
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function hasNumericLeadingZero(prerelease: string): boolean {
  return prerelease.includes('0') && prerelease.split('.').some((identifier) => /^0[0-9]+$/.test(identifier));
}
