import { isRecord, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { Facts } from '../doctor/rule.ts';

/** The shape of a git credential, never a value: which keys there are, whose hosts are known, whose kind the password is. */
export function gitSecretFacts(secret: KubeObject): Facts {
  const data = valueAt(secret, 'data');
  const keys = isRecord(data) ? Object.keys(data).sort() : [];
  const facts: Record<string, unknown> = { git_secret_name: secret.metadata.name, git_secret_keys: keys };
  const decode = (key: string) => {
    const value = valueAt(data, key);
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
  };
  const password = decode('password');
  if (password !== undefined) {
    facts['git_secret_password_empty'] = password === '';
    facts['git_secret_password_prefix'] = knownPrefixes.find((prefix) => password.startsWith(prefix)) ?? null;
  }
  const knownHosts = decode('known_hosts');
  if (knownHosts !== undefined) facts['known_hosts'] = hostsOf(knownHosts);
  return facts;
}

/** Public markers of what kind a token is; they are the vendors' own, not part of the secret. */
const knownPrefixes = ['ATBB', 'ATATT', 'ATCTT', 'github_pat_', 'ghp_', 'ghs_', 'glpat-', 'gldt-'] as const;

function hostsOf(knownHosts: string): string[] {
  return knownHosts
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((host) => host !== '' && !host.startsWith('#'));
}
