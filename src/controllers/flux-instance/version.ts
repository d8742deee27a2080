import { MillraceError } from '../../base/error.ts';
import { parseRange, satisfiesRange } from '../../images/semver-range.ts';
import { parseLooseVersion } from '../../images/semver-version.ts';
import { fluxRelease } from './settings.ts';

/**
 * Holds `spec.distribution.version` against the one release whose API is served (spec/instance.md §5.3). Throws
 * INSTANCE_INVALID where it asks for another, or where a later one has been applied already.
 */
export function checkVersion(asked: string, lastAppliedRevision: string | undefined): void {
  if (!isServed(asked)) {
    throw new MillraceError(
      'INSTANCE_INVALID',
      `no match found for semver: ${asked}: the API of Flux v${fluxRelease} is served`,
      {
        hint: 'Write 2.x, or leave the installation of that very version to the Flux Operator (engine: flux).',
        retry: 'never',
      },
    );
  }
  const applied = minorOf(lastAppliedRevision?.split('@')[0]);
  const served = minorOf(fluxRelease);
  if (applied === undefined || served === undefined) return;
  const isDowngrade = applied.major > served.major || (applied.major === served.major && applied.minor > served.minor);
  if (!isDowngrade) return;
  const message = `downgrading from ${lastAppliedRevision?.split('@')[0]} to v${fluxRelease} is not supported, reinstall needed`;
  throw new MillraceError('INSTANCE_INVALID', message, { retry: 'never' });
}

function isServed(asked: string): boolean {
  const release = parseLooseVersion(fluxRelease);
  try {
    return release !== undefined && satisfiesRange(parseRange(asked), release);
  } catch (cause) {
    throw new MillraceError('INSTANCE_INVALID', `semver '${asked}' parse error: ${(cause as Error).message}`, {
      cause,
      retry: 'never',
    });
  }
}

function minorOf(version: string | undefined): { major: number; minor: number } | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(version ?? '') ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
