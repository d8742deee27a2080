import { sortedKeys } from './key-order.ts';
import { analyze, isBreak, isPrintable, resolvesToString, type ScalarShape } from './scalar-shape.ts';

/** Where go-yaml begins to look for a space to fold at. */
const bestWidth = 80;

/**
 * Values as a stream of YAML documents, byte for byte as kustomize prints them (the emitter of sigs.k8s.io/yaml): keys in natural
 * order, lists of a mapping not indented, long text folded at 80 columns.
 */
export function printDocuments(documents: readonly unknown[]): string {
  return documents.map(printDocument).join('---\n');
}

/** One value as a YAML document with a final line break. */
export function printDocument(value: unknown): string {
  const out = new Output();
  if (isCollection(value)) printCollection(out, value, 0, false);
  else printScalar(out, value, 2, false);
  return `${out.text()}\n`;
}

/** The text so far and the column that it has reached. */
class Output {
  private parts = '';
  private lineStart = 0;

  write(text: string): void {
    this.parts += text;
  }
  line(indent: number): void {
    this.parts += '\n';
    this.lineStart = this.parts.length;
    if (indent > 0) this.parts += ' '.repeat(indent);
  }
  column(): number {
    return this.parts.length - this.lineStart;
  }
  isEmpty(): boolean {
    return this.parts === '';
  }
  text(): string {
    return this.parts;
  }
}

function isCollection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && (Array.isArray(value) ? value.length : hasKeys(value)) !== 0;
}

function hasKeys(value: object): number {
  for (const _ in value) return 1;
  return 0;
}

/** `inline`: the first entry goes on the line that has been begun. */
function printCollection(out: Output, value: object, indent: number, inline: boolean): void {
  let fresh = inline || out.isEmpty();
  const next = () => {
    if (!fresh) out.line(indent);
    fresh = false;
  };
  if (Array.isArray(value)) {
    for (const item of value) {
      next();
      out.write('-');
      printValue(out, item, indent, 'item');
    }
    return;
  }
  const map = value as Record<string, unknown>;
  for (const key of sortedKeys(map)) {
    if (map[key] === undefined) continue;
    next();
    printEntry(out, key, map[key], indent);
  }
}

function printEntry(out: Output, key: string, value: unknown, indent: number): void {
  if (key.length <= 128 && !key.includes('\n')) {
    printText(out, key, indent, true);
    out.write(':');
    printValue(out, value, indent, 'value');
    return;
  }
  out.write('? ');
  printText(out, key, indent + 2, false);
  out.line(indent);
  out.write(':');
  printValue(out, value, indent, 'item');
}

function printValue(out: Output, value: unknown, indent: number, place: 'item' | 'value'): void {
  if (!isCollection(value)) {
    out.write(' ');
    printScalar(out, value, indent + 2, false);
  } else if (place === 'item') {
    out.write(' ');
    printCollection(out, value, indent + 2, true);
  } else {
    const inner = Array.isArray(value) ? indent : indent + 2;
    out.line(inner);
    printCollection(out, value, inner, true);
  }
}

function printScalar(out: Output, value: unknown, indent: number, isKey: boolean): void {
  if (typeof value === 'string') printText(out, value, indent, isKey);
  else if (value === null || value === undefined) out.write('null');
  else if (typeof value === 'number') out.write(formatNumber(value));
  else if (Array.isArray(value)) out.write('[]');
  else if (typeof value === 'object') out.write('{}');
  else out.write(String(value));
}

/** Integers in full, fractions as Go's `%g` writes them. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return Object.is(value, -0) ? '-0' : BigInt(value).toString();
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

const plainText = /^[A-Za-z_/][A-Za-z0-9_./-]*$/;
/** Texts that have been found to need no quotes: manifests are made of the same few keys and values. */
const knownPlain = new Set<string>();
const mostKnownPlain = 2000;

function isPlain(text: string): boolean {
  if (knownPlain.has(text)) return true;
  if (!plainText.test(text) || !resolvesToString(text)) return false;
  if (knownPlain.size < mostKnownPlain && text.length <= 64) knownPlain.add(text);
  return true;
}

function printText(out: Output, text: string, indent: number, isKey: boolean): void {
  if (isPlain(text)) {
    out.write(text);
    return;
  }
  const shape = analyze(text);
  if (text.includes('\n') && !isKey && shape.blockAllowed) printLiteral(out, text, indent);
  else if (text.includes('\n') || !resolvesToString(text)) printDouble(out, text, indent, isKey);
  else printSingleLine(out, text, { indent, isKey, shape });
}

interface TextPlace {
  indent: number;
  isKey: boolean;
  shape: ScalarShape;
}

function printSingleLine(out: Output, text: string, { indent, isKey, shape }: TextPlace): void {
  if (shape.plainAllowed) {
    out.write(isKey ? text : folded(out, text, indent));
    return;
  }
  if (!shape.singleQuotedAllowed) {
    printDouble(out, text, indent, isKey);
    return;
  }
  out.write("'");
  // After a line separator go-yaml goes on at the indentation.
  const escaped = text
    .replaceAll("'", "''")
    .replaceAll(/([\u2028\u2029])(?![\u2028\u2029]|$)/g, `$1${' '.repeat(indent)}`);
  out.write(isKey ? escaped : folded(out, escaped, indent, true));
  out.write("'");
}

/** Breaks at the first single space past the width; a run of spaces is never broken. `quoted`: not at either end. */
function folded(out: Output, text: string, indent: number, quoted = false): string {
  let column = out.column();
  if (column + text.length <= bestWidth || !text.includes(' ')) return text;
  const pad = `\n${' '.repeat(indent)}`;
  let result = '';
  let inSpaces = false;
  const characters = Array.from(text);
  for (const [index, character] of characters.entries()) {
    if (character !== ' ') {
      result += character;
      column++;
      inSpaces = false;
      continue;
    }
    const atEnd = quoted && (index === 0 || index === characters.length - 1);
    if (!inSpaces && column > bestWidth && characters[index + 1] !== ' ' && !atEnd) {
      result += pad;
      column = indent;
    } else {
      result += ' ';
      column++;
    }
    inSpaces = true;
  }
  return result;
}

function printLiteral(out: Output, text: string, indent: number): void {
  const hint = text.startsWith(' ') || text.startsWith('\n') ? '2' : '';
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  out.write(`|${hint}${chomp}`);
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  for (const line of lines) {
    out.line(line === '' ? 0 : indent);
    out.write(line);
  }
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '"': '"',
  '\\': '\\',
  '\u0085': 'N',
  '\u00a0': '_',
  '\u2028': 'L',
  '\u2029': 'P',
};

function printDouble(out: Output, text: string, indent: number, isKey: boolean): void {
  let column = out.column() + 1;
  let result = '"';
  let inSpaces = false;
  const characters = Array.from(text);
  // go-yaml looks for a byte order mark at the start of the text only, and then escapes all of it.
  const escapesAll = text.startsWith('\uFEFF');
  for (const [index, character] of characters.entries()) {
    let piece = character;
    if (escapesAll) piece = escaped(character);
    else if (character === ' ') {
      const foldable = !isKey && !inSpaces && column > bestWidth && index > 0 && index < characters.length - 1;
      if (foldable) {
        result += `\n${' '.repeat(indent)}${characters[index + 1] === ' ' ? '\\' : ''}`;
        column = indent + (characters[index + 1] === ' ' ? 1 : 0);
        inSpaces = true;
        continue;
      }
    } else if (!isPrintable(character) || isBreak(character) || character === '"' || character === '\\') {
      piece = escaped(character);
    }
    inSpaces = character === ' ';
    result += piece;
    column += piece.length;
  }
  out.write(`${result}"`);
}

function escaped(character: string): string {
  const known = escapes[character];
  if (known !== undefined) return `\\${known}`;
  const code = character.codePointAt(0) ?? 0;
  const hex = (width: number) => code.toString(16).toUpperCase().padStart(width, '0');
  if (code <= 0xff) return `\\x${hex(2)}`;
  return code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
