import { MillraceError } from '../base/error.ts';
import { createPrefixMatcher } from './substitute-glob.ts';
import type { Operation } from './substitute-template.ts';

/** Applies one operation to a variable's value ('' where it is undefined). Lengths and offsets count bytes of UTF-8. */
export function applyOperation(operation: Operation, value: string, args: readonly string[]): string {
  const [first = '', second] = args;
  switch (operation) {
    case 'value':
      return value;
    case 'length':
      return String(Buffer.byteLength(value));
    case 'default':
      return value === '' ? args.join('') : value;
    case 'substring':
      return substring(value, first, second);
    case 'lower-first':
      return mapFirst(value, toLower);
    case 'lower':
      return mapEach(value, toLower);
    case 'upper-first':
      return mapFirst(value, toUpper);
    case 'upper':
      return mapEach(value, toUpper);
    case 'trim-prefix':
      return trimPrefix(value, first, 'shortest');
    case 'trim-longest-prefix':
      return trimPrefix(value, first, 'longest');
    // Suffixes are matched back to front with the pattern reversed, so a character class matches nothing there.
    case 'trim-suffix':
      return reverse(trimPrefix(reverse(value), reverse(first), 'shortest'));
    case 'trim-longest-suffix':
      return reverse(trimPrefix(reverse(value), reverse(first), 'longest'));
    case 'replace':
      return value.replace(first, () => second ?? '');
    case 'replace-all':
      return value.replaceAll(first, () => second ?? '');
    // Without a replacement these two leave the value alone, unlike the two above.
    case 'replace-prefix':
      return second !== undefined && value.startsWith(first) ? second + value.slice(first.length) : value;
    case 'replace-suffix':
      return second !== undefined && value.endsWith(first)
        ? value.slice(0, value.length - first.length) + second
        : value;
  }
}

/** Offsets that are no number leave the value whole; a negative length that would end before the start is an error. */
function substring(value: string, offset: string, length: string | undefined): string {
  const bytes = Buffer.from(value);
  const wanted = parseInteger(offset);
  if (wanted === undefined) return value;
  const start = wanted < 0 ? Math.max(0, bytes.length + wanted) : wanted;
  if (length === undefined) return bytes.toString('utf8', Math.min(start, bytes.length));
  const count = parseInteger(length);
  if (count === undefined) return value;
  if (start + count >= bytes.length) return bytes.toString('utf8', Math.min(start, bytes.length));
  if (count < 0) {
    throw new MillraceError('SUBSTITUTION_FAILED', `the length ${count} of a substring is negative`, {
      retry: 'never',
    });
  }
  return bytes.toString('utf8', start, start + count);
}

function parseInteger(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const number = Number(text);
  return Math.abs(number) < 2 ** 63 ? number : undefined;
}

function trimPrefix(value: string, pattern: string, which: 'shortest' | 'longest'): string {
  const matches = createPrefixMatcher(pattern);
  const characters = [...value];
  let found = 0;
  for (let length = characters.length; length > 0; length--) {
    const match = matches(characters, length);
    if (match === 'malformed') return value;
    if (!match) continue;
    found = length;
    if (which === 'longest') break;
  }
  return characters.slice(found).join('');
}

/** Case is changed character by character, never to several characters (`ß` stays). */
function mapEach(value: string, change: (character: string) => string): string {
  return [...value].map(change).join('');
}

function mapFirst(value: string, change: (character: string) => string): string {
  const [first] = value;
  return first === undefined ? '' : change(first) + value.slice(first.length);
}

function toUpper(character: string): string {
  const upper = character.toUpperCase();
  return [...upper].length === 1 ? upper : character;
}

function toLower(character: string): string {
  // The one character whose lower case is two is İ; Go takes the first.
  return [...character.toLowerCase()][0] ?? character;
}

function reverse(text: string): string {
  return [...text].reverse().join('');
}
