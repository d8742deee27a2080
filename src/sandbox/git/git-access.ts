import { createHash, timingSafeEqual } from 'node:crypto';

/** Somebody who may use the git server. */
export interface GitUser {
  name: string;
  password: string;
  /** `read` may clone and fetch, `write` may push as well. */
  access: 'read' | 'write';
}

/** The user of a Basic Authorization header; undefined when it is missing or wrong. Every user is compared, whatever is found. */
export function authenticateGitUser(authorization: string | undefined, users: readonly GitUser[]): GitUser | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const given = digest(Buffer.from(encoded, 'base64'));
  return users.filter(({ name, password }) => timingSafeEqual(digest(`${name}:${password}`), given))[0];
}

function digest(value: string | Buffer): Buffer {
  return createHash('sha256').update(value).digest();
}
