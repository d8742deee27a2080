import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { HttpClient } from '../http/http-client.ts';
import type { Challenge } from './challenge.ts';
import type { RegistryCredential } from './docker-config.ts';
import { registryError } from './registry-error.ts';

const maxTokenBytes = 1024 * 1024;

/** Value of the Authorization header that answers a challenge; undefined for an anonymous request. */
export async function answerChallenge(
  http: HttpClient,
  challenge: Challenge,
  request: {
    credential: RegistryCredential | undefined;
    scopes: readonly string[];
    origin: string;
    signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { credential } = request;
  if (credential?.kind === 'registryToken') return `Bearer ${credential.token}`;
  if (challenge.scheme === 'basic') {
    return credential?.kind === 'password' ? basic(credential) : undefined;
  }
  return `Bearer ${await fetchToken(http, challenge, request)}`;
}

async function fetchToken(
  http: HttpClient,
  challenge: Extract<Challenge, { scheme: 'bearer' }>,
  request: {
    credential: RegistryCredential | undefined;
    scopes: readonly string[];
    origin: string;
    signal: AbortSignal;
  },
): Promise<string> {
  const { credential, scopes, signal } = request;
  const url = parseRealm(challenge.realm, request.origin, credential !== undefined);
  const parameters = new URLSearchParams(url.search);
  if (challenge.service !== undefined) parameters.set('service', challenge.service);
  const form = credential?.kind === 'identityToken';
  if (form) {
    parameters.set('scope', scopes.join(' '));
    parameters.set('grant_type', 'refresh_token');
    parameters.set('client_id', 'millrace');
    parameters.set('refresh_token', credential.token);
  } else {
    for (const scope of scopes) parameters.append('scope', scope);
    url.search = parameters.toString();
  }
  const method = form ? 'POST' : 'GET';
  const response = await http.send({
    method,
    url,
    signal,
    headers: {
      ...(credential?.kind === 'password' ? { authorization: basic(credential) } : {}),
      ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
    ...(form ? { body: parameters.toString() } : { redirects: 3 }),
  });
  if (response.status !== 200) throw await registryError(method, response);
  const answer = parseJson(await response.text(maxTokenBytes));
  const token = isRecord(answer) ? (answer['token'] ?? answer['access_token']) : undefined;
  if (typeof token === 'string' && token !== '') return token;
  throw new MillraceError('OCI_STATUS', `${method} ${url.origin}${url.pathname}: the answer holds no token`);
}

/** A password is not sent in the clear because an attacker-made answer said so. */
function parseRealm(realm: string, origin: string, hasCredential: boolean): URL {
  let url: URL;
  try {
    url = new URL(realm);
  } catch (cause) {
    throw new MillraceError('OCI_STATUS', `the registry names no usable token endpoint: '${realm}'`, { cause });
  }
  if (hasCredential && url.protocol !== 'https:' && origin.startsWith('https:')) {
    throw new MillraceError(
      'OCI_AUTH_DENIED',
      `the token endpoint ${url.origin} is not https; no credential is sent there`,
    );
  }
  return url;
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
