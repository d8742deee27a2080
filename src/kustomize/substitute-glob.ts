/** One step of a pattern. `malformed` is where it cannot be read on, which matters only if a match gets there. */
type Step =
  | { kind: 'star' | 'any' | 'malformed' }
  | { kind: 'character'; character: string }
  | { kind: 'class'; negated: boolean; ranges: [from: string, to: string][]; malformed: boolean };

export type PrefixMatcher = (characters: readonly string[], length: number) => boolean | 'malformed';

/**
 * Matches the first `length` characters against a shell pattern: `*` any text (slashes too), `?` one character, `[a-c]`
 * and `[^a-c]` one of a class, `\c` that character. Linear in pattern times text: the last star alone is tried again.
 */
export function createPrefixMatcher(pattern: string): PrefixMatcher {
  const steps = parsePattern([...pattern]);
  return (characters, length) => {
    let step = 0;
    let at = 0;
    let starStep = -1;
    let starAt = 0;
    for (;;) {
      const current = steps[step];
      if (current?.kind === 'star') {
        starStep = step++;
        starAt = at;
        continue;
      }
      if (current === undefined && at === length) return true;
      const match = current !== undefined && at < length && matchesStep(current, characters[at] ?? '');
      if (match === 'malformed') return match;
      if (match) {
        step++;
        at++;
      } else {
        if (starStep < 0 || starAt >= length) return false;
        at = ++starAt;
        step = starStep + 1;
      }
    }
  };
}

function matchesStep(step: Step, character: string): boolean | 'malformed' {
  switch (step.kind) {
    case 'any':
      return true;
    case 'character':
      return step.character === character;
    case 'class': {
      if (step.malformed) return 'malformed';
      const code = codePoint(character);
      const isIn = step.ranges.some(([from, to]) => codePoint(from) <= code && code <= codePoint(to));
      return isIn !== step.negated;
    }
    default:
      return 'malformed';
  }
}

function parsePattern(pattern: readonly string[]): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at++] ?? '';
    if (character === '*') {
      if (steps.at(-1)?.kind !== 'star') steps.push({ kind: 'star' });
    } else if (character === '?') steps.push({ kind: 'any' });
    else if (character === '[') {
      const end = parseClass(pattern, at, steps);
      if (end === undefined) break;
      at = end;
    } else if (character === '\\') {
      const escaped = pattern[at++];
      steps.push(escaped === undefined ? { kind: 'malformed' } : { kind: 'character', character: escaped });
    } else steps.push({ kind: 'character', character });
  }
  return steps;
}

/** Adds the class that starts behind `[` and returns where it ends, undefined where it does not. */
function parseClass(pattern: readonly string[], start: number, steps: Step[]): number | undefined {
  let at = start;
  const negated = pattern[at] === '^';
  if (negated) at++;
  const ranges: [string, string][] = [];
  const read = (): string | undefined => {
    if (pattern[at] === '-' || pattern[at] === ']') return undefined;
    if (pattern[at] === '\\') at++;
    return pattern[at++];
  };
  while (pattern[at] !== ']' || ranges.length === 0) {
    const from = read();
    let to = from;
    if (from !== undefined && pattern[at] === '-') {
      at++;
      to = read();
    }
    if (from === undefined || to === undefined) {
      steps.push({ kind: 'class', negated, ranges, malformed: true });
      return undefined;
    }
    ranges.push([from, to]);
  }
  steps.push({ kind: 'class', negated, ranges, malformed: false });
  return at + 1;
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}
