import type { GitAuth, GitProxy, GitTls, RemoteUrl } from '../../git/remote.ts';
import { firstOf, type SecretData } from '../source/secret-data.ts';
import { parsePrivateKeyKind } from './ssh-key.ts';

/** Says what is wrong with a Secret, in Flux's words; the caller adds the condition. */
export class AuthFault extends Error {
  override readonly name = 'AuthFault';
}

export interface ParsedAuth {
  auth: GitAuth;
  tls?: GitTls;
}

/**
 * Credentials for a repository from its Secret's data and the user information of its URL (spec/source.md §2.9, §3.4).
 * `where` is the Secret's `namespace/name`. Throws AuthFault.
 */
export function parseGitAuth(url: RemoteUrl, data: SecretData | undefined, where: string): ParsedAuth {
  if (url.scheme === 'ssh') return { auth: parseSshAuth(url, data, where) };
  const tls = data === undefined ? undefined : parseTls(data);
  return { auth: parseHttpAuth(url, data), ...(tls === undefined ? {} : { tls }) };
}

function parseHttpAuth(url: RemoteUrl, data: SecretData | undefined): GitAuth {
  const token = data?.get('bearerToken');
  // The key's presence decides, even when it is empty.
  if (token !== undefined) {
    if (url.username !== undefined) throw new AuthFault('basic auth and bearer token cannot be set at the same time');
    if (/[\r\n\0]/.test(token.trim())) throw new AuthFault("'bearerToken' holds more than one line");
    return token.trim() === '' ? { kind: 'none' } : { kind: 'bearer', token: token.trim() };
  }
  const username = data?.get('username') || url.username || '';
  const password = data?.get('password') || url.password || '';
  if (username === '' && password === '') return { kind: 'none' };
  if (username === '') throw new AuthFault("invalid 'http' auth option: 'password' requires 'username' to be set");
  return { kind: 'basic', username, password };
}

function parseSshAuth(url: RemoteUrl, data: SecretData | undefined, where: string): GitAuth {
  const identity = data?.get('identity') ?? '';
  const knownHosts = data?.get('known_hosts') ?? '';
  if (identity.trim() === '') throw new AuthFault("invalid 'ssh' auth option: 'identity' is required");
  if (knownHosts.trim() === '') throw new AuthFault("invalid 'ssh' auth option: 'known_hosts' is required");
  const passphrase = data?.get('password') ?? '';
  if (passphrase === '' && parsePrivateKeyKind(identity) === 'encrypted') {
    throw new AuthFault(`SSH identity key is encrypted but no 'password' field was provided in the secret '${where}'`);
  }
  return {
    kind: 'ssh',
    username: url.username ?? 'git',
    identity,
    knownHosts,
    ...(passphrase === '' ? {} : { passphrase }),
  };
}

function parseTls(data: SecretData): GitTls | undefined {
  const ca = firstOf(data, 'ca.crt', 'caFile');
  const cert = firstOf(data, 'tls.crt', 'certFile');
  const key = firstOf(data, 'tls.key', 'keyFile');
  if ((cert === undefined) !== (key === undefined)) {
    throw new AuthFault("invalid TLS options: 'tls.crt' and 'tls.key' must both be set or both be left out");
  }
  if (ca === undefined && cert === undefined) return undefined;
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

/** The proxy of a `proxySecretRef`. Throws AuthFault. */
export function parseProxy(data: SecretData, where: string): GitProxy {
  const address = data.get('address') ?? '';
  if (address === '') throw new AuthFault(`invalid proxy secret '${where}': key 'address' is missing`);
  if (address.length > 2048) throw new AuthFault(`invalid proxy secret '${where}': key 'address' is too long`);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new AuthFault(`invalid proxy secret '${where}': key 'address' is not a URL`);
  }
  if (!['http:', 'https:', 'socks5:'].includes(url.protocol)) {
    throw new AuthFault(`invalid proxy secret '${where}': the scheme of 'address' must be http, https or socks5`);
  }
  const username = data.get('username') || decodeURIComponent(url.username);
  const password = data.get('password') || decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  return {
    address: url.href,
    ...(username === '' ? {} : { username, ...(password === '' ? {} : { password }) }),
  };
}
