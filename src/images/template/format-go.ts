import { deepEqualValues, GoMap, GoStruct, isList, printValue, typeName, type Value } from './value.ts';

const verbPattern = /%([-+# 0]*)(\*|[0-9]+)?(?:\.(\*|[0-9]*))?([a-zA-Z%])?/g;
const maxWidth = 10_000;

interface Verb {
  flags: string;
  width: number | undefined;
  precision: number | undefined;
  letter: string;
}

/** Go's `fmt.Sprintf` for the values that templates have. Faults show in the text, as `%!d(string=x)`. */
export function formatGo(format: string, args: readonly Value[]): string {
  let next = 0;
  const takeNumber = (text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    if (text !== '*') return Math.min(maxWidth, Number(text || '0'));
    return Math.max(-maxWidth, Math.min(maxWidth, Number(args[next++] ?? 0)));
  };
  const text = format.replace(
    verbPattern,
    (_, flags: string, widthText?: string, precisionText?: string, letter?: string) => {
      const width = takeNumber(widthText);
      const precision = takeNumber(precisionText);
      if (letter === undefined) return '%!(NOVERB)';
      if (letter === '%') return '%';
      if (next >= args.length) return `%!${letter}(MISSING)`;
      const verb = { flags: width !== undefined && width < 0 ? `${flags}-` : flags, width, precision, letter };
      return pad(formatVerb(verb, args[next++] ?? null), verb);
    },
  );
  const extra = args.slice(next);
  if (extra.length === 0) return text;
  return `${text}%!(EXTRA ${extra.map((value) => `${typeName(value)}=${printValue(value)}`).join(', ')})`;
}

function formatVerb(verb: Verb, value: Value): string {
  const { letter } = verb;
  if (letter === 'v') return verb.flags.includes('#') ? goSyntax(value) : formatPlain(verb, value);
  if (letter === 'T') return typeName(value);
  if (isList(value)) return `[${value.map((item) => formatVerb(verb, item)).join(' ')}]`;
  if (value instanceof GoMap) {
    return `map[${value.entries.map(([key, entry]) => `${formatVerb(verb, key)}:${formatVerb(verb, entry)}`).join(' ')}]`;
  }
  if (value instanceof GoStruct) return formatText(verb, printValue(value)) ?? bad(verb, value);
  if (typeof value === 'string') return formatText(verb, value) ?? bad(verb, value);
  if (typeof value === 'bigint') return formatInteger(verb, value) ?? bad(verb, value);
  if (typeof value === 'number') return formatFloat(verb, value) ?? bad(verb, value);
  if (typeof value === 'boolean') return letter === 't' ? String(value) : bad(verb, value);
  return `%!${letter}(<nil>)`;
}

function formatPlain(verb: Verb, value: Value): string {
  if (typeof value === 'bigint') return signed(verb, value.toString());
  if (typeof value === 'number') return signed(verb, printValue(value));
  return printValue(value);
}

function formatText({ letter, precision }: Verb, text: string): string | undefined {
  const cut = precision === undefined ? text : [...text].slice(0, precision).join('');
  if (letter === 's') return cut;
  if (letter === 'q') return JSON.stringify(cut);
  if (letter === 'x') return Buffer.from(cut).toString('hex');
  if (letter === 'X') return Buffer.from(cut).toString('hex').toUpperCase();
  return undefined;
}

function formatInteger(verb: Verb, value: bigint): string | undefined {
  const sharp = verb.flags.includes('#');
  switch (verb.letter) {
    case 'd':
      return signed(verb, value.toString());
    case 'b':
      return signed(verb, value.toString(2));
    case 'o':
      return signed(verb, `${sharp ? '0' : ''}${value.toString(8)}`);
    case 'x':
      return signed(verb, `${sharp ? '0x' : ''}${value.toString(16)}`);
    case 'X':
      return signed(verb, `${sharp ? '0X' : ''}${value.toString(16).toUpperCase()}`);
    case 'c':
      return String.fromCodePoint(Number(value));
    case 'q':
      return `'${String.fromCodePoint(Number(value))}'`;
    case 'U':
      return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
    default:
      return undefined;
  }
}

function formatFloat(verb: Verb, value: number): string | undefined {
  const digits = Math.min(verb.precision ?? 6, 100);
  const exponent = (text: string) => text.replace(/e([+-])(\d)$/, 'e$10$2');
  if (verb.letter === 'f' || verb.letter === 'F') return signed(verb, value.toFixed(digits));
  if (verb.letter === 'e') return signed(verb, exponent(value.toExponential(digits)));
  if (verb.letter === 'E') return signed(verb, exponent(value.toExponential(digits)).toUpperCase());
  if (verb.letter !== 'g' && verb.letter !== 'G') return undefined;
  return signed(
    verb,
    verb.precision === undefined ? printValue(value) : exponent(String(Number(value.toPrecision(Math.max(1, digits))))),
  );
}

function signed({ flags }: Verb, text: string): string {
  if (text.startsWith('-')) return text;
  return flags.includes('+') ? `+${text}` : flags.includes(' ') ? ` ${text}` : text;
}

function pad(text: string, { flags, width, letter }: Verb): string {
  if (width === undefined) return text;
  const missing = Math.abs(width) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || letter === 'T') return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function bad({ letter }: Verb, value: Value): string {
  return `%!${letter}(${typeName(value)}=${printValue(value)})`;
}

/** `%#v`, near enough for a message. */
function goSyntax(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (isList(value)) return `${typeName(value)}{${value.map(goSyntax).join(', ')}}`;
  return deepEqualValues(value, null) ? 'interface {}(nil)' : printValue(value);
}
