import { createHash, createHmac } from 'node:crypto';
import { type Clock, systemClock } from '../../base/clock.ts';
import { MillraceError } from '../../base/error.ts';
import type { GitAuth, RemoteUrl } from '../../git/remote.ts';

export interface SigningCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

const host = /^git-codecommit(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

/** Region of a CodeCommit URL. Throws GIT_URL_INVALID for another host or a plain connection. */
export function codeCommitRegion(url: RemoteUrl): string {
  const region = host.exec(url.host)?.[1];
  if (region !== undefined && url.scheme === 'https') return region;
  throw new MillraceError('GIT_URL_INVALID', `'${url.url}' is not an HTTPS address of AWS CodeCommit`, {
    hint: 'Write https://git-codecommit.REGION.amazonaws.com/v1/repos/NAME.',
    retry: 'never',
  });
}

/**
 * Basic credentials for CodeCommit, made from AWS ones: the password is a SigV4 signature over the repository's path, good
 * for 15 minutes (spec/source.md §3.4; the scheme of git-remote-codecommit).
 */
export function codeCommitAuth(url: RemoteUrl, credentials: SigningCredentials, clock: Clock = systemClock): GitAuth {
  const region = codeCommitRegion(url);
  const time = new Date(clock.now()).toISOString().replace(/[-:]|\.\d{3}Z$/g, '');
  const date = time.slice(0, 8);
  const path = new URL(url.url).pathname;
  const canonical = `GIT\n${path}\n\nhost:${url.host}\n\nhost\n`;
  const scope = `${date}/${region}/codecommit/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  const key = [date, region, 'codecommit', 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  const { accessKeyId, sessionToken } = credentials;
  return {
    kind: 'basic',
    username: sessionToken === undefined ? accessKeyId : `${accessKeyId}%${sessionToken}`,
    password: `${time}Z${hmac(key, toSign).toString('hex')}`,
  };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
