/**
 * A pattern tells only some characters apart: to `v([0-9]+)` all digits are alike, and so is everything that is neither a
 * digit nor a `v`. Tags that look alike to it have one shape, and the places where it matches are the same in all of them.
 * So the engine is asked once for each shape, and 100,000 tags of a repository have a few hundred.
 */

/** The answer for a text: the one that was found for the first text of its shape. */
export type ByShape<T> = (text: string) => T;

type Range = readonly [from: number, to: number];

/** Past so many table entries further shapes are not remembered: 4 MiB. */
const maxEntries = 1 << 20;
const asciiSize = 128;

/**
 * Remembers by shape what `ask` answers. It must depend on nothing but where `source`, an expression in RE2 syntax,
 * matches. Where an expression uses more than what is understood here, every text is asked about.
 */
export function rememberByShape<T>(source: string, ask: (text: string) => T): ByShape<T> {
  const kinds = characterKinds(source);
  if (kinds === undefined) return ask;
  const { kindOf, count } = kinds;
  // A tree of kinds: for each node a row of where each kind leads (0: nowhere yet), and which answer it has (0: none yet).
  const width = count + 1;
  let rows = new Int32Array(256 * width);
  let nodes = 1;
  const answers: T[] = [];
  const grow = (from: number, kind: number): number => {
    const needed = (nodes + 1) * width;
    if (needed > maxEntries) return 0;
    if (needed > rows.length) {
      const wider = new Int32Array(rows.length * 2);
      wider.set(rows);
      rows = wider;
    }
    rows[from * width + kind] = nodes;
    return nodes++;
  };
  return (text) => {
    let node = 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      // Beyond ASCII a character may be two units, and letters have cases elsewhere.
      if (code >= asciiSize) return ask(text);
      const kind = kindOf[code] as number;
      node = (rows[node * width + kind] as number) || grow(node, kind);
      if (node === 0) return ask(text);
    }
    const place = node * width + count;
    if (rows[place] === 0) rows[place] = answers.push(ask(text));
    return answers[(rows[place] as number) - 1] as T;
  };
}

/** The kind of each ASCII character: characters of one kind are in the same ones of the sets that the source speaks of. */
function characterKinds(source: string): { kindOf: Uint8Array; count: number } | undefined {
  const ranges = mentionedRanges(source);
  if (ranges === undefined) return undefined;
  const kinds = new Map<string, number>();
  const kindOf = new Uint8Array(asciiSize);
  for (let code = 0; code < asciiSize; code++) {
    const sets = ranges.map(([from, to]) => (from <= code && code <= to ? '1' : '0')).join('');
    const kind = kinds.get(sets) ?? kinds.size;
    kinds.set(sets, kind);
    kindOf[code] = kind;
  }
  return { kindOf, count: kinds.size };
}

const range = (from: string, to = from): Range => [from.charCodeAt(0), to.charCodeAt(0)];
const digits = range('0', '9');
const lower = range('a', 'z');
const upper = range('A', 'Z');
const named: Readonly<Record<string, readonly Range[]>> = {
  A: [],
  z: [],
  d: [digits],
  s: [range('\t', '\n'), range('\f', '\r'), range(' ')],
  w: [digits, lower, upper, range('_')],
  b: [digits, lower, upper, range('_')],
  '[:alnum:]': [digits, lower, upper],
  '[:alpha:]': [lower, upper],
  '[:digit:]': [digits],
  '[:lower:]': [lower],
  '[:upper:]': [upper],
  '[:word:]': [digits, lower, upper, range('_')],
};

// A class; an escape; the head of a group; a count; anything else is a character, or an operator, which may pass for one.
const tokenPattern = /\[\^?\]?(?:\[:\^?[a-z]*:\]|\\[\s\S]|[^\]\\])*\]|\\[\s\S]|\(\?[^:)]*[:)]|\{\d+(?:,\d*)?\}|[\s\S]/g;
// In a class: one of a name, a range, one character.
const memberPattern = /\[:\^?[a-z]*:\]|(\\[\s\S]|[^\\])-(\\[\s\S]|[^\\])|\\[\s\S]|[^\\]/g;
const groupHead = /^\(\?([imsU]*(?:-[imsU]+)?)[:)]$/;

/** The sets of characters that an expression can tell from others; undefined where it uses syntax beyond the usual. */
function mentionedRanges(source: string): Range[] | undefined {
  // Letters beyond ASCII may be cases of ASCII ones: the Kelvin sign of k.
  if (/[^\0-\x7f]/.test(source)) return undefined;
  // Lines end at it, with the flag m, and `.` does not take it.
  const ranges: Range[] = [range('\n')];
  let ignoresCase = false;
  for (const [token] of source.matchAll(tokenPattern)) {
    if (token.length > 1 && token.startsWith('(')) {
      const flags = groupHead.exec(token)?.[1];
      if (flags === undefined) return undefined;
      ignoresCase ||= flags.includes('i');
    } else if (token.length > 1 && token.startsWith('[')) {
      const members = classRanges(token.slice(1, -1).replace(/^\^/, ''));
      if (members === undefined) return undefined;
      ranges.push(...members);
    } else if (!(token.length > 1 && token.startsWith('{'))) {
      const members = tokenRanges(token);
      if (members === undefined) return undefined;
      ranges.push(...members);
    }
  }
  return ignoresCase ? [...ranges, ...ranges.flatMap(otherCase)] : ranges;
}

function classRanges(members: string): Range[] | undefined {
  const ranges: Range[] = [];
  for (const [token, from, to] of members.matchAll(memberPattern)) {
    const member = from === undefined || to === undefined ? tokenRanges(token) : span(from, to);
    if (member === undefined) return undefined;
    ranges.push(...member);
  }
  return ranges;
}

/** A range of a class, of characters as such or escaped ones. */
function span(from: string, to: string): Range[] | undefined {
  const isPlain = [from, to].every((end) => end.length === 1 || /^\\[^0-9A-Za-z]$/.test(end));
  return isPlain ? [range(from.at(-1) ?? '', to.at(-1))] : undefined;
}

/** One character as such or escaped, or a named set. */
function tokenRanges(token: string): readonly Range[] | undefined {
  if (token.startsWith('[:')) return named[token.replace('^', '')];
  if (token.length === 1) return [range(token)];
  const escaped = token.slice(1);
  if (!/[0-9A-Za-z]/.test(escaped)) return [range(escaped)];
  return named[escaped] ?? named[escaped.toLowerCase()];
}

/** The same letters in the other case. */
function otherCase([from, to]: Range): Range[] {
  const shifted = (letters: Range, by: number): Range => [
    Math.max(from, letters[0]) + by,
    Math.min(to, letters[1]) + by,
  ];
  const caseDistance = lower[0] - upper[0];
  return [shifted(lower, -caseDistance), shifted(upper, caseDistance)];
}
