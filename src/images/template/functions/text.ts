/** Sprig's text functions. The text comes last, so that it can be piped in. */
import { compareBytes } from '../../../base/text.ts';
import { mapOf, type Value } from '../value.ts';
import { checkCount, integerAt, textAt, toText, toTexts } from './arguments.ts';
import type { TemplateFunction } from './function-table.ts';

/** Functions of one text. */
const ofText: Record<string, (text: string) => string> = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  title: (text) =>
    text.replace(/(^|[^\p{L}\p{N}_'’])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase()),
  untitle: (text) => text.replace(/(^|\s)(\S)/gu, (_, before: string, letter: string) => before + letter.toLowerCase()),
  trim: (text) => text.trim(),
  nospace: (text) => text.replace(/\s+/g, ''),
  swapcase: (text) =>
    [...text].map((letter) => (letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase())).join(''),
  snakecase: (text) => words(text).join('_').toLowerCase(),
  kebabcase: (text) => words(text).join('-').toLowerCase(),
  camelcase: (text) =>
    words(text)
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join(''),
  initials: (text) =>
    text
      .split(/\s+/)
      .map((word) => [...word][0] ?? '')
      .join(''),
};

export const textFunctions: Record<string, TemplateFunction> = {
  ...Object.fromEntries(
    Object.entries(ofText).map(([name, work]) => [name, (args: readonly Value[]) => work(textAt(args, 0))]),
  ),
  hello: () => 'Hello!',
  contains: (args) => textAt(args, 1).includes(textAt(args, 0)),
  hasPrefix: (args) => textAt(args, 1).startsWith(textAt(args, 0)),
  hasSuffix: (args) => textAt(args, 1).endsWith(textAt(args, 0)),
  trimAll: (args) => trimSet(textAt(args, 1), textAt(args, 0)),
  trimall: (args) => trimSet(textAt(args, 1), textAt(args, 0)),
  trimPrefix: (args) => cutStart(textAt(args, 1), textAt(args, 0)),
  trimSuffix: (args) => cutEnd(textAt(args, 1), textAt(args, 0)),
  replace: (args) => textAt(args, 2).replaceAll(textAt(args, 0), () => textAt(args, 1)),
  repeat: (args) => textAt(args, 1).repeat(checkCount(integerAt(args, 0))),
  substr: (args) => {
    const [start, end, text] = [integerAt(args, 0), integerAt(args, 1), bytesOf(textAt(args, 2))];
    if (start < 0) return textOf(text.subarray(0, Math.max(0, end)));
    return textOf(text.subarray(start, end < 0 || end > text.length ? undefined : end));
  },
  trunc: (args) => {
    const length = integerAt(args, 0);
    const text = bytesOf(textAt(args, 1));
    if (length < 0 && text.length + length > 0) return textOf(text.subarray(text.length + length));
    return textOf(length >= 0 ? text.subarray(0, length) : text);
  },
  abbrev: (args) => abbreviate(textAt(args, 1), 0, integerAt(args, 0)),
  abbrevboth: (args) => abbreviate(textAt(args, 2), integerAt(args, 0), integerAt(args, 1)),
  wrap: (args) => wrapText(textAt(args, 1), integerAt(args, 0), '\n'),
  wrapWith: (args) => wrapText(textAt(args, 2), integerAt(args, 0), textAt(args, 1)),
  indent: (args) => indentText(textAt(args, 1), integerAt(args, 0)),
  nindent: (args) => `\n${indentText(textAt(args, 1), integerAt(args, 0))}`,
  plural: (args) => (integerAt(args, 2) === 1 ? textAt(args, 0) : textAt(args, 1)),
  quote: (args) =>
    args
      .filter((value) => value !== null)
      .map((value) => JSON.stringify(toText(value)))
      .join(' '),
  squote: (args) =>
    args
      .filter((value) => value !== null)
      .map((value) => `'${toText(value)}'`)
      .join(' '),
  cat: (args) =>
    args
      .filter((value) => value !== null)
      .map(toText)
      .join(' '),
  split: (args) => numbered(textAt(args, 1).split(textAt(args, 0))),
  splitn: (args) => numbered(splitAtMost(textAt(args, 2), textAt(args, 0), integerAt(args, 1))),
  splitList: (args) => textAt(args, 1).split(textAt(args, 0)),
  join: (args) => toTexts(args[1] ?? null).join(textAt(args, 0)),
  sortAlpha: ([list = null]) => toTexts(list).sort(compareBytes),
  base: (args) => baseName(textAt(args, 0)),
  dir: (args) => cleanPath(textAt(args, 0).replace(/[^/]*$/, '')),
  clean: (args) => cleanPath(textAt(args, 0)),
  ext: (args) => /\.[^./]*$/.exec(textAt(args, 0))?.[0] ?? '',
  isAbs: (args) => textAt(args, 0).startsWith('/'),
};
for (const name of ['base', 'dir', 'clean', 'ext', 'isAbs'] as const) {
  const work = textFunctions[name];
  if (work !== undefined) textFunctions[`os${name.charAt(0).toUpperCase()}${name.slice(1)}`] = work;
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text);
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8');
}

function words(text: string): string[] {
  return text
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .split(/[\s_\-.]+/)
    .filter((word) => word !== '');
}

function trimSet(text: string, set: string): string {
  const letters = [...text];
  const isIn = (letter: string | undefined) => letter !== undefined && set.includes(letter);
  while (isIn(letters[0])) letters.shift();
  while (isIn(letters.at(-1))) letters.pop();
  return letters.join('');
}

function cutStart(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function cutEnd(text: string, suffix: string): string {
  return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}

/** `_0`, `_1` …: how Sprig names the parts of a split. */
function numbered(parts: readonly string[]): Value {
  return mapOf(Object.fromEntries(parts.map((part, index) => [`_${index}`, part])));
}

function splitAtMost(text: string, separator: string, count: number): string[] {
  const parts = text.split(separator);
  return count <= 0 || parts.length <= count
    ? parts
    : [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function abbreviate(text: string, offset: number, width: number): string {
  if (width < 4 || (offset > 0 && width < 7) || text.length <= width) return text;
  const start = Math.min(offset, text.length);
  if (start <= 4) return `${text.slice(0, width - 3)}...`;
  if (start + width - 3 < text.length) return `...${abbreviate(text.slice(start), 0, width - 3)}`;
  return `...${text.slice(text.length - (width - 3))}`;
}

function wrapText(text: string, width: number, lineBreak: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= Math.max(1, width))
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join(lineBreak);
}

function indentText(text: string, spaces: number): string {
  const padding = ' '.repeat(checkCount(spaces));
  return padding + text.replaceAll('\n', `\n${padding}`);
}

function baseName(path: string): string {
  if (path === '') return '.';
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : (trimmed.split('/').at(-1) ?? '');
}

/** Go's `path.Clean`. */
function cleanPath(path: string): string {
  const isAbsolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!isAbsolute) parts.push('..');
  }
  return `${isAbsolute ? '/' : ''}${parts.join('/')}` || '.';
}
