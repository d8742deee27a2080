/** What a registry wants for proof (RFC 9110 §11.6.1; the distribution project's token specification). */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: string; service?: string; scope?: string };

/** The first Basic or Bearer challenge of a `WWW-Authenticate` header. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined) return undefined;
  for (const { scheme, parameters } of splitChallenges(header)) {
    if (scheme === 'basic') return { scheme };
    if (scheme !== 'bearer') continue;
    const { realm, service, scope } = parameters;
    if (realm === undefined) continue;
    return { scheme, realm, ...(service === undefined ? {} : { service }), ...(scope === undefined ? {} : { scope }) };
  }
  return undefined;
}

interface RawChallenge {
  scheme: string;
  parameters: Record<string, string>;
}

/** Challenges and their parameters are both separated by commas: a word without `=` after it starts a challenge. */
function splitChallenges(header: string): RawChallenge[] {
  const challenges: RawChallenge[] = [];
  const token = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g;
  for (const [, name = '', quoted, plain] of header.matchAll(token)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    const current = challenges.at(-1);
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else if (current !== undefined) current.parameters[name.toLowerCase()] = value;
  }
  return challenges;
}
