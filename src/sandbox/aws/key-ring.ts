import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { PersistentMap } from '../persistent-map.ts';
import { newId } from './account.ts';
import { openToken, sealToken } from './sealed-token.ts';

/** Access keys: long-lived ones of users, and the temporary ones that STS hands out. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/** What a session token says. Times are milliseconds since the epoch. */
export interface SessionClaims {
  accessKeyId: string;
  roleArn: string;
  /** The role's unique id: a role deleted and made anew does not inherit its predecessor's sessions. */
  roleId: string;
  sessionName: string;
  expiresAt: number;
  /** Session policy, as JSON text. */
  policy?: string;
  /** Session tags and claims that policies may ask for: condition key → values. */
  context: Record<string, string[]>;
}

export interface SessionCredentials extends AccessKey {
  sessionToken: string;
}

/** Everything secret of the account. Kept in one file that only its owner can read. */
export class KeyRing {
  readonly #userKeys: PersistentMap<{ userName: string; secretAccessKey: string; createdAt: number }>;
  readonly #secrets: PersistentMap<string>;
  readonly #master: Buffer;

  constructor(dataDir: string) {
    this.#userKeys = new PersistentMap(join(dataDir, 'access-keys.jsonl'));
    this.#secrets = new PersistentMap(join(dataDir, 'secrets.jsonl'));
    const stored = this.#secrets.get('master');
    this.#master = stored === undefined ? randomBytes(32) : Buffer.from(stored, 'base64');
    if (stored === undefined) this.#secrets.set('master', this.#master.toString('base64'));
  }

  /** The user and secret of a long-lived key. */
  userKey(accessKeyId: string): { userName: string; secretAccessKey: string } | undefined {
    return this.#userKeys.get(accessKeyId);
  }

  keysOf(userName: string): { accessKeyId: string; createdAt: number }[] {
    return [...this.#userKeys.entries()]
      .filter(([, key]) => key.userName === userName)
      .map(([accessKeyId, { createdAt }]) => ({ accessKeyId, createdAt }));
  }

  createUserKey(userName: string, createdAt: number, given?: AccessKey): AccessKey {
    const key = given ?? { accessKeyId: newId('AKIA'), secretAccessKey: randomBytes(30).toString('base64') };
    this.#userKeys.set(key.accessKeyId, { userName, secretAccessKey: key.secretAccessKey, createdAt });
    return key;
  }

  deleteUserKey(accessKeyId: string): boolean {
    return this.#userKeys.delete(accessKeyId);
  }

  createSession(claims: Omit<SessionClaims, 'accessKeyId'>): SessionCredentials {
    const accessKeyId = newId('ASIA');
    const sessionToken = sealToken(this.#master, 'session', { ...claims, accessKeyId });
    return { accessKeyId, secretAccessKey: this.sessionSecret(accessKeyId), sessionToken };
  }

  /** What `sessionToken` says, provided that it is ours and belongs to the access key it came with. */
  openSession(sessionToken: string, accessKeyId: string): SessionClaims | undefined {
    const claims = openToken<SessionClaims>(this.#master, 'session', sessionToken);
    return claims?.accessKeyId === accessKeyId ? claims : undefined;
  }

  sessionSecret(accessKeyId: string): string {
    return createHmac('sha256', this.#master).update(`secret\n${accessKeyId}`).digest('base64').slice(0, 40);
  }

  /** Seals and opens other tokens of the account (registry passwords, page markers). */
  seal(purpose: string, content: unknown): string {
    return sealToken(this.#master, purpose, content);
  }

  open<T>(purpose: string, token: string): T | undefined {
    return openToken<T>(this.#master, purpose, token);
  }

  close(): void {
    this.#userKeys.close();
    this.#secrets.close();
  }
}
