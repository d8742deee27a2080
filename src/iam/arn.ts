import { matchesWildcards, type WildcardPattern, type WildcardToken } from './wildcard.ts';

/** An Amazon resource name; `resource` is everything after the fifth colon and may contain colons and slashes. */
export interface Arn {
  partition: string;
  service: string;
  region: string;
  account: string;
  resource: string;
}

/** The parts of an ARN, or undefined where `text` has fewer than six or does not begin with `arn:`. */
export function parseArn(text: string): Arn | undefined {
  const [prefix, partition, service, region, account, ...resource] = text.split(':');
  if (prefix !== 'arn' || partition === undefined || service === undefined) return undefined;
  if (region === undefined || account === undefined || resource.length === 0) return undefined;
  return { partition, service, region, account, resource: resource.join(':') };
}

export function formatArn({ partition, service, region, account, resource }: Arn): string {
  return `arn:${partition}:${service}:${region}:${account}:${resource}`;
}

/**
 * Matches an ARN against the pattern of a Resource element or an Arn… condition: the six segments are compared one by
 * one, a wildcard never crosses the colon that separates two segments, and in the last one it matches `/` and `:` too.
 * A pattern with fewer segments stands for any value of the missing ones, which is why a `*` at the end of a segment may
 * seem to run past later colons (IAM user guide, "IAM JSON policy elements: Resource").
 */
export function matchesArn(pattern: WildcardPattern, arn: string): boolean {
  if (pattern.length === 1 && pattern[0]?.kind === 'any') return true;
  const segments = splitSegments(pattern);
  const values = splitArn(arn);
  if (values === undefined) return false;
  return values.every((value, index) => {
    const segment = segments[index];
    return segment === undefined || matchesWildcards(segment, value);
  });
}

function splitArn(arn: string): readonly string[] | undefined {
  const parts = arn.split(':');
  return parts.length < 6 ? undefined : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/** Cuts a pattern at its first five literal colons. */
function splitSegments(pattern: WildcardPattern): WildcardPattern[] {
  const segments: WildcardToken[][] = [[]];
  for (const token of pattern) {
    if (token.kind !== 'text') {
      segments.at(-1)?.push(token);
      continue;
    }
    let rest = token.text;
    for (let colon = rest.indexOf(':'); colon >= 0 && segments.length < 6; colon = rest.indexOf(':')) {
      if (colon > 0) segments.at(-1)?.push({ kind: 'text', text: rest.slice(0, colon) });
      segments.push([]);
      rest = rest.slice(colon + 1);
    }
    if (rest !== '') segments.at(-1)?.push({ kind: 'text', text: rest });
  }
  return segments;
}
