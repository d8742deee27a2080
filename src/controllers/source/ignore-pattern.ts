/** One line of a gitignore file, taken apart. */
export interface IgnorePattern {
  /** Folder (path parts) that the pattern is scoped to. */
  domain: readonly string[];
  /** Takes back an earlier exclusion. */
  negated: boolean;
  directoryOnly: boolean;
  /** Path parts; a pattern without a slash is one part that fits at any depth. */
  parts: readonly string[];
  anyDepth: boolean;
}

/** The patterns of a text; comments and blank lines are none. `domain` is the folder of the file. */
export function parseIgnorePatterns(text: string, domain: readonly string[] = []): IgnorePattern[] {
  return text.split(/\r?\n/).flatMap((line) => {
    if (line.startsWith('#') || line.trim() === '') return [];
    let pattern = line;
    const negated = pattern.startsWith('!');
    if (negated) pattern = pattern.slice(1);
    if (!pattern.endsWith('\\ ')) pattern = pattern.replace(/ +$/, '');
    const directoryOnly = pattern.endsWith('/');
    if (directoryOnly) pattern = pattern.slice(0, -1);
    const anyDepth = !pattern.includes('/');
    const parts = pattern.split('/').filter((part) => part !== '');
    return parts.length === 0 ? [] : [{ domain, negated, directoryOnly, parts, anyDepth }];
  });
}

/** Whether a pattern speaks of a path: of itself, or of a folder that it is in. */
export function patternMatches(pattern: IgnorePattern, path: readonly string[], isDirectory: boolean): boolean {
  const { domain, parts, directoryOnly } = pattern;
  if (path.length <= domain.length || domain.some((part, i) => path[i] !== part)) return false;
  const last = path.length - 1;
  const counts = (end: number) => !directoryOnly || isDirectory || end < last;
  if (pattern.anyDepth) {
    const [name = ''] = parts;
    for (let i = domain.length; i < path.length; i++) if (globMatches(name, path[i] ?? '') && counts(i)) return true;
    return false;
  }
  return partsMatch(parts, path, domain.length, counts);
}

/**
 * Whether the pattern's parts fit a beginning of the path from `start`, `**` standing for any number of parts. Reached
 * positions are tracked together, so that no pattern is slow.
 */
function partsMatch(
  parts: readonly string[],
  path: readonly string[],
  start: number,
  counts: (end: number) => boolean,
): boolean {
  let reached = new Set([start]);
  for (const [index, part] of parts.entries()) {
    const next = new Set<number>();
    const isLast = index === parts.length - 1;
    for (const at of reached) {
      if (part === '**') {
        // At the end, `**` is everything inside: at least one part more.
        for (let i = isLast ? at + 1 : at; i <= path.length; i++) next.add(i);
      } else if (at < path.length && globMatches(part, path[at] ?? '')) next.add(at + 1);
    }
    reached = next;
  }
  for (const end of reached) if (end > start && counts(end - 1)) return true;
  return false;
}

/** Shell pattern over one path part: `*`, `?`, `[a-z]`, `[^a]`, `[!a]`, `\` before a literal character. Linear in effect. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starAt = -1;
  let textAt = 0;
  while (t < text.length) {
    const step = p < pattern.length ? matchOne(pattern, p, text, t) : undefined;
    if (pattern[p] === '*') {
      starAt = ++p;
      textAt = t;
    } else if (step !== undefined) {
      p = step;
      t += String.fromCodePoint(text.codePointAt(t) ?? 0).length;
    } else if (starAt >= 0) {
      p = starAt;
      t = ++textAt;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** Position after the pattern's next element where it fits the character at `t`; undefined where it does not. */
function matchOne(pattern: string, p: number, text: string, t: number): number | undefined {
  const character = pattern[p];
  if (character === '*') return undefined;
  if (character === '?') return p + 1;
  if (character === '[') return matchClass(pattern, p, text.charAt(t));
  if (character === '\\' && p + 1 < pattern.length) return pattern[p + 1] === text[t] ? p + 2 : undefined;
  const symbol = String.fromCodePoint(pattern.codePointAt(p) ?? 0);
  return text.startsWith(symbol, t) ? p + symbol.length : undefined;
}

function matchClass(pattern: string, start: number, character: string): number | undefined {
  let p = start + 1;
  const negated = pattern[p] === '^' || pattern[p] === '!';
  if (negated) p++;
  let matched = false;
  for (let first = true; first || pattern[p] !== ']'; first = false) {
    if (p >= pattern.length) return undefined;
    if (pattern[p] === '\\') p++;
    const low = pattern.charAt(p++);
    let high = low;
    if (pattern[p] === '-' && pattern[p + 1] !== ']' && p + 1 < pattern.length) {
      if (pattern[++p] === '\\') p++;
      high = pattern.charAt(p++);
    }
    if (low <= character && character <= high) matched = true;
  }
  return matched === negated ? undefined : p + 1;
}
