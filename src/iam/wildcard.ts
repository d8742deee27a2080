/**
 * A pattern of IAM, taken apart: text that is meant literally, `*` for any run of characters (none, `/` and `:`
 * included) and `?` for exactly one. It is a list because the value of a policy variable is always literal, even where
 * it contains a `*` (IAM user guide, "Policy variables").
 */
export type WildcardPattern = readonly WildcardToken[];

export type WildcardToken = { kind: 'text'; text: string } | { kind: 'any' } | { kind: 'one' };

/** Reads `*` and `?` of `pattern` as wildcards; there is no escape character in IAM. */
export function parseWildcards(pattern: string): WildcardPattern {
  const tokens: WildcardToken[] = [];
  for (const part of pattern.split(/([*?])/)) {
    if (part === '*') tokens.push({ kind: 'any' });
    else if (part === '?') tokens.push({ kind: 'one' });
    else if (part !== '') tokens.push({ kind: 'text', text: part });
  }
  return tokens;
}

/** A pattern that matches `text` and nothing else. */
export function literalPattern(text: string): WildcardPattern {
  return text === '' ? [] : [{ kind: 'text', text }];
}

export interface WildcardOptions {
  /** Compares without regard to case, as IAM does for actions. Default false. */
  ignoreCase?: boolean;
}

/**
 * True when the whole of `text` matches. It never backtracks over more than the last `*`, so that a hostile pattern costs
 * at the most pattern length times text length.
 */
export function matchesWildcards(
  pattern: WildcardPattern,
  text: string,
  { ignoreCase = false }: WildcardOptions = {},
): boolean {
  const fold = (piece: string) => [...(ignoreCase ? piece.toLowerCase() : piece)];
  const symbols = pattern.flatMap((token): (string | symbol)[] =>
    token.kind === 'text' ? fold(token.text) : [wildcards[token.kind]],
  );
  const characters = fold(text);
  let s = 0;
  let c = 0;
  let starAt = -1;
  let starFrom = 0;
  while (c < characters.length) {
    const symbol = symbols[s];
    if (symbol === wildcards.any) {
      starAt = s++;
      starFrom = c;
    } else if (symbol === wildcards.one || (symbol !== undefined && symbol === characters[c])) {
      s++;
      c++;
    } else if (starAt >= 0) {
      s = starAt + 1;
      c = ++starFrom;
    } else {
      return false;
    }
  }
  while (symbols[s] === wildcards.any) s++;
  return s === symbols.length;
}

const wildcards = { any: Symbol('*'), one: Symbol('?') };
