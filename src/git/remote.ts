import { MillraceError } from '../base/error.ts';

/** How to prove who we are to a git server. */
export type GitAuth =
  | { kind: 'none' }
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'bearer'; token: string }
  | SshAuth;

export interface SshAuth {
  kind: 'ssh';
  /** User name where the URL has none; default `git`. */
  username?: string;
  /** Private key, PEM. */
  identity: string;
  /** Lines as in OpenSSH's known_hosts; a host that is not in them is refused. */
  knownHosts: string;
  passphrase?: string;
}

/** PEM texts. `ca` is believed besides the usual authorities; `cert` and `key` come together. */
export interface GitTls {
  ca?: string;
  cert?: string;
  key?: string;
}

export interface GitProxy {
  /** `http://`, `https://` or `socks5://` with host and port. */
  address: string;
  username?: string;
  password?: string;
}

/** A repository on a server with what it takes to reach it. */
export interface GitRemote {
  /** Without user information: see `parseRemoteUrl`. */
  url: string;
  auth: GitAuth;
  tls?: GitTls;
  proxy?: GitProxy;
}

export interface RemoteUrl {
  /** The URL without password; SSH keeps its user. */
  url: string;
  scheme: 'http' | 'https' | 'ssh' | 'file';
  host: string;
  username?: string;
  password?: string;
}

const schemes: ReadonlySet<string> = new Set(['http', 'https', 'ssh', 'file']);

/**
 * Takes a repository URL apart and removes its credentials, so that they reach neither arguments nor messages.
 * Throws GIT_URL_INVALID for anything but http, https and ssh URLs (`file` only where the program allows it); the short
 * form `git@host:path` is not accepted (spec/source.md §3.1).
 */
export function parseRemoteUrl(text: string): RemoteUrl {
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1];
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch (cause) {
    throw invalidUrl(text, cause);
  }
  if (scheme === undefined || !schemes.has(scheme) || (parsed.host === '' && scheme !== 'file')) throw invalidUrl(text);
  if (parsed.hostname.startsWith('-') || hasControlCharacter(text)) throw invalidUrl(text);
  const username = decoded(parsed.username, text);
  const password = decoded(parsed.password, text);
  // It becomes a line of ssh's configuration.
  if (scheme === 'ssh' && username !== '' && !isSshUser(username)) throw invalidUrl(text);
  parsed.password = '';
  if (scheme !== 'ssh') parsed.username = '';
  return {
    url: parsed.href,
    scheme: scheme as RemoteUrl['scheme'],
    host: parsed.host,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
  };
}

/** Whether a name can be a user's at an SSH server; what else it could hold would mean something to ssh. */
export function isSshUser(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/.test(name);
}

function decoded(part: string, url: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw invalidUrl(url, cause);
  }
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true;
  return false;
}

function invalidUrl(text: string, cause?: unknown): MillraceError {
  return new MillraceError('GIT_URL_INVALID', `'${text}' is not a repository URL`, {
    cause,
    hint: 'Write it as https://host/path, http://host/path or ssh://git@host/path.',
    retry: 'never',
  });
}

/** `scheme://host[:port]` of a remote: credentials are answered to this origin alone. */
export function originOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
