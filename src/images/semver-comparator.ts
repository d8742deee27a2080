import { comparePrereleases, compareVersions, type Version } from './semver-version.ts';

export type ComparatorOperator = '' | '=' | '!=' | '>' | '<' | '>=' | '=>' | '<=' | '=<' | '~' | '~>' | '^';

/** One comparison of a version range, like `>=1.2`. */
export interface Comparator {
  /** As written, without blanks. */
  readonly text: string;
  readonly operator: ComparatorOperator;
  /** The last part that was given as a number; 'any' for `*`. Less than 'patch' makes most operators ranges. */
  readonly precision: 'any' | 'major' | 'minor' | 'patch';
  /** The version given, missing parts 0. */
  readonly bound: Version;
}

/**
 * Whether a version satisfies one comparator (spec/image.md §5.4, table). Whether a prerelease is admitted at all is a
 * question of the comparator's group and decided before.
 */
export function satisfiesComparator(comparator: Comparator, version: Version): boolean {
  const { bound, precision, operator } = comparator;
  switch (operator) {
    case '':
    case '=':
      return precision === 'patch' ? compareVersions(version, bound) === 0 : satisfiesTilde(comparator, version);
    case '!=':
      return !equalsAtPrecision(comparator, version);
    case '>':
      return isAbove(comparator, version);
    case '<':
      return compareVersions(version, bound) < 0;
    case '>=':
    case '=>':
      return compareVersions(version, bound) >= 0;
    case '<=':
    case '=<':
      return isAtMost(comparator, version);
    case '~':
    case '~>':
      return satisfiesTilde(comparator, version);
    case '^':
      return satisfiesCaret(comparator, version);
  }
}

function equalsAtPrecision({ bound, precision }: Comparator, version: Version): boolean {
  if (precision === 'patch' || precision === 'any') return compareVersions(version, bound) === 0;
  if (version.major !== bound.major) return false;
  if (precision === 'major') return true;
  if (version.minor !== bound.minor) return false;
  const hasPrerelease = version.prerelease !== '' || bound.prerelease !== '';
  return !hasPrerelease || comparePrereleases(version.prerelease, bound.prerelease) === 0;
}

function isAbove({ bound, precision }: Comparator, version: Version): boolean {
  if (precision === 'patch' || version.major !== bound.major) return compareVersions(version, bound) > 0;
  if (precision === 'major') return false;
  if (precision === 'minor') return version.minor > bound.minor;
  return compareVersions(version, bound) > 0;
}

function isAtMost({ bound, precision }: Comparator, version: Version): boolean {
  if (precision === 'patch') return compareVersions(version, bound) <= 0;
  if (version.major > bound.major) return false;
  return version.major !== bound.major || precision === 'major' || version.minor <= bound.minor;
}

function satisfiesTilde({ bound, precision }: Comparator, version: Version): boolean {
  if (compareVersions(version, bound) < 0) return false;
  const isZero = bound.major === 0 && bound.minor === 0 && bound.patch === 0;
  // `~*` and `~0.0.0` are not ranges of 0.0.x: the reference library takes them as "any version".
  if (isZero && (precision === 'any' || precision === 'patch')) return true;
  return version.major === bound.major && (precision === 'major' || version.minor === bound.minor);
}

function satisfiesCaret({ bound, precision }: Comparator, version: Version): boolean {
  if (compareVersions(version, bound) < 0 || version.major !== bound.major) return false;
  if (bound.major !== 0 || precision === 'major') return true;
  if (version.minor !== bound.minor) return false;
  return bound.minor !== 0 || precision === 'minor' || version.patch === bound.patch;
}
