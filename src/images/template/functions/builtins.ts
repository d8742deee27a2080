/** The functions of Go's text/template itself. */
import { formatGo } from '../format-go.ts';
import { deepEqualValues, GoMap, isList, isTruthy, kindName, noValue, printValue, type Value } from '../value.ts';
import { argumentAt, toText } from './arguments.ts';
import type { TemplateFunction } from './function-table.ts';

export const builtinFunctions: Record<string, TemplateFunction> = {
  not: (args) => !isTruthy(argumentAt(args, 0)),
  len: ([value = null]) => {
    if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
    if (isList(value)) return BigInt(value.length);
    if (value instanceof GoMap) return BigInt(value.entries.length);
    throw new Error(`len of type ${kindName(value)}`);
  },
  index: ([first = null, ...keys]) => keys.reduce(indexInto, first),
  slice: ([value = null, from = 0n, to]) => {
    const bounds = [Number(from), to === undefined ? undefined : Number(to)] as const;
    if (typeof value === 'string') {
      const bytes = Buffer.from(value);
      checkBounds(bounds, bytes.length);
      return bytes.subarray(...bounds).toString('utf8');
    }
    if (!isList(value)) throw new Error(`can't slice item of type ${kindName(value)}`);
    checkBounds(bounds, value.length);
    return value.slice(...bounds);
  },
  print: (args) => printOperands(args),
  println: (args) => `${args.map(printValue).join(' ')}\n`,
  printf: ([format = '', ...args]) => formatGo(toText(format), args),
  html: (args) => escapeHtml(printOperands(args)),
  js: (args) => escapeJs(printOperands(args)),
  urlquery: (args) =>
    encodeURIComponent(printOperands(args))
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, percent),
  eq: ([first = null, ...others]) => {
    if (others.length === 0) throw new Error('missing argument for comparison');
    return others.some((other) => equals(first, other));
  },
  ne: (args) => !equals(argumentAt(args, 0), argumentAt(args, 1)),
  lt: (args) => compare(args) < 0,
  le: (args) => compare(args) <= 0,
  gt: (args) => compare(args) > 0,
  ge: (args) => compare(args) >= 0,
};

function indexInto(value: Value, key: Value): Value {
  if (value instanceof GoMap) return value.get(key);
  if (isList(value) || typeof value === 'string') {
    if (typeof key !== 'bigint') throw new Error(`cannot index slice/array with type ${kindName(key)}`);
    const items: readonly Value[] = isList(value) ? value : [...Buffer.from(value)].map((byte) => BigInt(byte));
    const item = items[Number(key)];
    if (item === undefined) throw new Error(`index out of range: ${key}`);
    return item;
  }
  if (value === null || value === noValue) throw new Error('index of untyped nil');
  throw new Error(`can't index item of type ${kindName(value)}`);
}

function checkBounds([from, to]: readonly [number, number | undefined], length: number): void {
  const end = to ?? length;
  if (from < 0 || end > length) throw new Error(`index out of range: ${from < 0 ? from : end}`);
  if (from > end) throw new Error(`invalid slice index: ${from} > ${end}`);
}

/** `fmt.Sprint`: a blank between operands of which neither is a string. */
function printOperands(args: readonly Value[]): string {
  let text = '';
  for (const [index, value] of args.entries()) {
    if (index > 0 && typeof value !== 'string' && typeof args[index - 1] !== 'string') text += ' ';
    text += printValue(value);
  }
  return text;
}

function equals(a: Value, b: Value): boolean {
  if (a === null || a === noValue || b === null || b === noValue) return (a ?? noValue) === (b ?? noValue);
  if (isList(a) || a instanceof GoMap) throw new Error('non-comparable type');
  if (typeof a !== typeof b) throw new Error('incompatible types for comparison');
  return deepEqualValues(a, b);
}

function compare(args: readonly Value[]): number {
  const a = argumentAt(args, 0);
  const b = argumentAt(args, 1);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  throw new Error(typeof a === typeof b ? 'invalid type for comparison' : 'incompatible types for comparison');
}

const htmlEscapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => htmlEscapes[character] ?? character);
}

function escapeJs(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  return text.replace(/[\\'"]/g, '\\$&').replace(/[<>&=\x00-\x1f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
