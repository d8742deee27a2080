import { isRecord } from '../base/json.ts';
import type { Repository } from './reference.ts';

/** What a registry is told about who we are. */
export type RegistryCredential =
  | { kind: 'password'; username: string; password: string }
  /** Exchanged at the token endpoint (OAuth 2 refresh token). */
  | { kind: 'identityToken'; token: string }
  /** Sent as it is. */
  | { kind: 'registryToken'; token: string };

export interface DockerConfigEntry {
  /** Host and path, without scheme: `index.docker.io/`, `ghcr.io/org`. */
  key: string;
  credential: RegistryCredential;
}

/**
 * Entries of a docker configuration: `{auths: {…}}` or the older bare map (spec/image.md §3.3), in the order in which they
 * are tried: reverse lexical, so that longer paths come first. Entries that make no sense are left out.
 */
export function parseDockerConfig(text: string): DockerConfigEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isRecord(parsed)) return [];
  const auths = isRecord(parsed['auths']) ? parsed['auths'] : parsed;
  const entries: DockerConfigEntry[] = [];
  for (const [key, value] of Object.entries(auths)) {
    const credential = isRecord(value) ? parseEntry(value) : undefined;
    const normal = normaliseKey(key);
    if (credential !== undefined && normal !== undefined) entries.push({ key: normal, credential });
  }
  return entries.sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
}

/** The first entry whose host pattern and path fit the repository. */
export function matchDockerConfig(
  entries: readonly DockerConfigEntry[],
  repository: Repository,
): RegistryCredential | undefined {
  const target = splitKey(`${repository.host}/${repository.name}`);
  return entries.find(({ key }) => matches(splitKey(key), target))?.credential;
}

function parseEntry(entry: Record<string, unknown>): RegistryCredential | undefined {
  const text = (name: string) => (typeof entry[name] === 'string' ? entry[name] : '');
  if (text('registrytoken') !== '') return { kind: 'registryToken', token: text('registrytoken') };
  if (text('identitytoken') !== '') return { kind: 'identityToken', token: text('identitytoken') };
  if (text('auth') !== '') {
    const decoded = Buffer.from(text('auth'), 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = decoded.indexOf(':');
    if (colon < 0) return undefined;
    return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  }
  if (text('username') === '' && text('password') === '') return undefined;
  return { kind: 'password', username: text('username'), password: text('password') };
}

function normaliseKey(key: string): string | undefined {
  const bare = key.replace(/^[a-z]+:\/\//i, '');
  const slash = bare.indexOf('/');
  if (slash < 0) return bare === '' ? undefined : bare;
  const path = bare.slice(slash).replace(/^\/v[12]\//, '/');
  return `${bare.slice(0, slash)}${path === '/' || path === '/v1' || path === '/v2' ? '' : path}`;
}

interface SplitKey {
  labels: string[];
  port: string;
  path: string;
}

function splitKey(key: string): SplitKey {
  const slash = key.indexOf('/');
  const host = slash < 0 ? key : key.slice(0, slash);
  const [, name = host, port = ''] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  return { labels: name.split('.'), port, path: slash < 0 ? '' : key.slice(slash) };
}

function matches(pattern: SplitKey, target: SplitKey): boolean {
  return (
    pattern.port === target.port &&
    pattern.labels.length === target.labels.length &&
    pattern.labels.every((label, i) => globMatches(label, target.labels[i] ?? '')) &&
    target.path.startsWith(pattern.path)
  );
}

/** Shell pattern within one host label: `*` and `?`. Linear: no expression is built from what a user wrote. */
function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === '?' || (pattern[p] === text[t] && pattern[p] !== '*')) {
      p++;
      t++;
    } else if (pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
