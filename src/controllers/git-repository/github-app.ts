import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { type Clock, systemClock } from '../../base/clock.ts';
import { MillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import type { GitAuth } from '../../git/remote.ts';
import type { HttpClient } from '../../http/http-client.ts';
import { httpStatusError } from '../../http/http-status.ts';
import { firstOf, type SecretData } from '../source/secret-data.ts';

export interface GithubAppOptions {
  http: HttpClient;
  clock?: Clock;
}

interface Installation {
  appId: string;
  key: KeyObject;
  apiUrl: string;
  owner: string | undefined;
  installationId: string | undefined;
}

interface Token {
  value: string;
  /** Milliseconds since the epoch; well before GitHub ends it. */
  usableUntil: number;
}

const jwtLifeMs = 9 * 60_000;
const timeoutMs = 15_000;
const mostTokens = 100;

/**
 * Installation tokens of GitHub Apps (spec/source.md §2.9, §3.4): a JWT of the app is exchanged for a token of one hour,
 * which is kept until shortly before its end. Throws GITHUB_APP_INVALID for a Secret that does not make sense, else the
 * errors of HTTP.
 */
export function createGithubApps({ http, clock = systemClock }: GithubAppOptions) {
  const tokens = new Map<string, Token>();
  return async (secret: SecretData, signal: AbortSignal): Promise<GitAuth> => {
    const installation = parseInstallation(secret);
    const id = JSON.stringify([
      installation.apiUrl,
      installation.appId,
      installation.owner,
      installation.installationId,
    ]);
    let token = tokens.get(id);
    if (token === undefined || token.usableUntil <= clock.now()) {
      token = await fetchToken(installation, { http, clock, signal });
      tokens.delete(id);
      tokens.set(id, token);
      const [oldest] = tokens.keys();
      if (tokens.size > mostTokens && oldest !== undefined) tokens.delete(oldest);
    }
    return { kind: 'basic', username: 'x-access-token', password: token.value };
  };
}

interface Exchange {
  http: HttpClient;
  clock: Clock;
  signal: AbortSignal;
}

async function fetchToken(installation: Installation, exchange: Exchange): Promise<Token> {
  const jwt = appJwt(installation, exchange.clock);
  const ask = async (method: 'GET' | 'POST', path: string): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${jwt}`, accept: 'application/vnd.github+json', 'user-agent': 'millrace' };
    const request = { method, url: `${installation.apiUrl}${path}`, headers, signal: exchange.signal, timeoutMs };
    const response = await exchange.http.send(request);
    if (response.status >= 300) throw await httpStatusError(request, response);
    const answer: unknown = JSON.parse(await response.text());
    return isRecord(answer) ? answer : {};
  };
  const { owner, installationId } = installation;
  const id = installationId ?? String((await findInstallation(owner ?? '', ask))['id'] ?? '');
  const { token, expires_at: expiresAt } = await ask(
    'POST',
    `/app/installations/${encodeURIComponent(id)}/access_tokens`,
  );
  if (typeof token !== 'string') throw invalid('GitHub answered without a token');
  const end = typeof expiresAt === 'string' ? Date.parse(expiresAt) : Number.NaN;
  const now = exchange.clock.now();
  const life = Number.isNaN(end) ? 0 : (end - now) * 0.8;
  return { value: token, usableUntil: now + life };
}

/** An owner is an organisation or a person; GitHub asks for them at different addresses. */
async function findInstallation(
  owner: string,
  ask: (method: 'GET', path: string) => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const name = encodeURIComponent(owner);
  try {
    return await ask('GET', `/orgs/${name}/installation`);
  } catch {
    return ask('GET', `/users/${name}/installation`);
  }
}

/** RS256, issued a minute ago so that clocks may differ. */
function appJwt({ appId, key }: Installation, clock: Clock): string {
  const seconds = Math.floor(clock.now() / 1000);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iat: seconds - 60, exp: seconds + Math.floor(jwtLifeMs / 1000), iss: appId };
  const unsigned = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  return `${unsigned}.${sign('sha256', Buffer.from(unsigned), key).toString('base64url')}`;
}

function parseInstallation(secret: SecretData): Installation {
  const appId = firstOf(secret, 'githubAppID');
  const pem = firstOf(secret, 'githubAppPrivateKey');
  const owner = firstOf(secret, 'githubAppInstallationOwner');
  const installationId = firstOf(secret, 'githubAppInstallationID');
  if (appId === undefined) throw invalid("key 'githubAppID' is missing");
  if (pem === undefined) throw invalid("key 'githubAppPrivateKey' is missing");
  if ((owner === undefined) === (installationId === undefined)) {
    throw invalid("exactly one of 'githubAppInstallationOwner' and 'githubAppInstallationID' must be given");
  }
  const base = firstOf(secret, 'githubAppBaseURL')?.replace(/\/+$/, '');
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw invalid("key 'githubAppPrivateKey' is not a private key", cause);
  }
  return { appId, key, apiUrl: base ?? 'https://api.github.com', owner, installationId };
}

function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('GITHUB_APP_INVALID', `GitHub App: ${message}`, { cause });
}
