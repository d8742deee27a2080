import { rememberText, WrittenScalar } from './original-text.ts';

/** Thrown where a text is not of the plain kind; no error of the text itself. */
const beyond = new Error('not a plain manifest');

/** Deeper nesting is left to the parser, whose limit it may break. */
const deepest = 40;

/** Line ends and printable characters. Tabs, carriage returns and what Unicode calls spaces or line ends are not among them. */
const plainCharacters = /^[\n\x20-\x7e\u00a1-\u1679\u2010-\u2027\u3001-\ud7ff]*$/;

const space = 32;
const lineEnd = 10;
const dash = 45;
const colon = 58;
const hash = 35;
const comma = 44;

const keyCharacters = table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-');
const firstOfKey = table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./');
const firstOfPlain = table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./$+~(^');
const afterDash = table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-');
/** What null, booleans, numbers and dates begin with. */
const firstOfSpecial = table('tTfFyYnNoO+-.~0123456789');

function table(characters: string): Uint8Array {
  const result = new Uint8Array(128);
  for (const character of characters) result[character.charCodeAt(0)] = 1;
  return result;
}

/** What a schema makes of scalars without quotes. */
export interface PlainScalars {
  /** '' is a value that is not there. */
  resolve(text: string): unknown;
  /** Keys that have been found to be texts; the reader adds to them. */
  readonly knownKeys: Set<string>;
}

const mostKnownKeys = 2000;

/**
 * The one document of a text in the plain YAML that manifests are made of: block mappings and lists, scalars and flow
 * collections on one line, literal blocks. Undefined for everything else (anchors, tags, folded or continued texts, tabs,
 * faults, …), which the full parser then judges: this reader is never more lenient and never means anything else.
 */
export function readPlainManifest(text: string, scalars: PlainScalars): unknown {
  if (!plainCharacters.test(text)) return undefined;
  try {
    return new PlainReader(text, scalars).document();
  } catch (error) {
    if (error === beyond) return undefined;
    throw error;
  }
}

/** `indent` is the column of the line at hand, -1 at the end; `pos` is where in it the reader stands. */
class PlainReader {
  private readonly text: string;
  private readonly scalars: PlainScalars;
  private pos = 0;
  private indent = 0;
  private depth = 0;

  constructor(text: string, scalars: PlainScalars) {
    this.text = text;
    this.scalars = scalars;
  }

  document(): unknown {
    if (this.text.startsWith('---\n')) this.pos = 4;
    this.nextLine();
    this.requireIndent(0);
    const value = this.block(0);
    this.requireIndent(-1);
    return value;
  }

  private requireIndent(indent: number): void {
    if (this.indent !== indent) throw beyond;
  }

  /** From the beginning of a line to the next one that is neither blank nor a comment. */
  private nextLine(): void {
    const { text } = this;
    for (let start = this.pos; ; ) {
      let pos = start;
      while (text.charCodeAt(pos) === space) pos++;
      const code = text.charCodeAt(pos);
      if (Number.isNaN(code)) {
        this.indent = -1;
        this.pos = pos;
        return;
      }
      if (code !== lineEnd && code !== hash) {
        this.indent = pos - start;
        this.pos = pos;
        if (pos === start && isMarker(text, pos)) throw beyond;
        return;
      }
      const end = text.indexOf('\n', pos);
      start = end === -1 ? text.length : end + 1;
    }
  }

  /** Past what may follow a value on its line: spaces and a comment. */
  private finishLine(): void {
    const { text } = this;
    let { pos } = this;
    while (text.charCodeAt(pos) === space) pos++;
    const code = text.charCodeAt(pos);
    const isComment = code === hash && text.charCodeAt(pos - 1) === space;
    if (code !== lineEnd && !Number.isNaN(code) && !isComment) throw beyond;
    const end = text.indexOf('\n', pos);
    this.pos = end === -1 ? text.length : end + 1;
    this.nextLine();
  }

  private block(indent: number): unknown {
    if (++this.depth > deepest) throw beyond;
    const value = this.isItem() ? this.sequence(indent) : this.mapping(indent);
    this.depth--;
    return value;
  }

  private isItem(): boolean {
    if (this.text.charCodeAt(this.pos) !== dash) return false;
    const next = this.text.charCodeAt(this.pos + 1);
    return next === space || next === lineEnd;
  }

  private mapping(indent: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    do {
      const key = this.key();
      if (Object.hasOwn(map, key)) throw beyond;
      this.set(map, key, this.isLineOver() ? this.below(indent, true) : this.inline(indent));
    } while (this.indent === indent);
    if (this.indent > indent) throw beyond;
    return map;
  }

  private sequence(indent: number): unknown[] {
    const list: unknown[] = [];
    do {
      const dashAt = this.pos++;
      const isOver = this.isLineOver();
      const column = indent + this.pos - dashAt;
      list.push(plainValue(isOver ? this.below(indent, false) : this.item(indent, column)));
    } while (this.indent === indent && this.isItem());
    if (this.indent > indent) throw beyond;
    return list;
  }

  /** What stands behind a dash: a collection may begin there, at its column. */
  private item(indent: number, column: number): unknown {
    if (!this.isItem() && this.keyEnd() === -1) return this.inline(indent);
    this.indent = column;
    return this.block(column);
  }

  /** The collection on the lines below a key or dash, or a missing value. A key's list may stand at the key's own column. */
  private below(indent: number, isKey: boolean): unknown {
    this.finishLine();
    if (this.indent > indent) return this.block(this.indent);
    if (isKey && this.indent === indent && this.isItem()) return this.block(indent);
    return this.scalars.resolve('');
  }

  /** Skips spaces; tells whether nothing but a comment follows on the line. */
  private isLineOver(): boolean {
    const { text } = this;
    while (text.charCodeAt(this.pos) === space) this.pos++;
    const code = text.charCodeAt(this.pos);
    return code === lineEnd || Number.isNaN(code) || (code === hash && text.charCodeAt(this.pos - 1) === space);
  }

  /** Where the plain key ends that the reader stands at, or -1 where none does. */
  private keyEnd(): number {
    const { text } = this;
    let { pos } = this;
    if (firstOfKey[text.charCodeAt(pos)] !== 1) return -1;
    while (keyCharacters[text.charCodeAt(pos)] === 1) pos++;
    if (text.charCodeAt(pos) !== colon || pos - this.pos > 1000) return -1;
    const next = text.charCodeAt(pos + 1);
    return next === space || next === lineEnd || Number.isNaN(next) ? pos : -1;
  }

  /** Reads a key and its colon. */
  private key(): string {
    const { text } = this;
    if (isQuote(text.charCodeAt(this.pos))) {
      const quoted = this.quoted();
      const next = text.charCodeAt(this.pos + 1);
      if (text.charCodeAt(this.pos) !== colon || (next !== space && next !== lineEnd)) throw beyond;
      this.pos++;
      return safeKey(quoted);
    }
    const end = this.keyEnd();
    if (end === -1) throw beyond;
    const key = text.slice(this.pos, end);
    this.pos = end + 1;
    const { knownKeys, resolve } = this.scalars;
    if (knownKeys.has(key)) return key;
    if (firstOfSpecial[key.charCodeAt(0)] === 1 && typeof resolve(key) !== 'string') throw beyond;
    if (knownKeys.size < mostKnownKeys) knownKeys.add(safeKey(key));
    return safeKey(key);
  }

  private set(map: Record<string, unknown>, key: string, value: unknown): void {
    if (value instanceof WrittenScalar) {
      map[key] = value.value;
      rememberText(map, key, value);
    } else map[key] = value;
  }

  /** A value on the line of its key or dash, and what follows it. */
  private inline(indent: number): unknown {
    const code = this.text.charCodeAt(this.pos);
    if (code === 0x7c) return this.literal(indent);
    if (isQuote(code)) {
      const value = this.quoted();
      this.finishLine();
      return value;
    }
    if (code === 0x5b || code === 0x7b) {
      const value = this.flow();
      this.finishLine();
      return value;
    }
    return this.plain();
  }

  private plain(): unknown {
    const { text, pos } = this;
    this.requirePlainStart();
    const found = text.indexOf('\n', pos);
    const end = found === -1 ? text.length : found;
    let value = text.slice(pos, end);
    const comment = value.indexOf(' #');
    if (comment !== -1) value = value.slice(0, comment);
    if (value.endsWith(' ')) value = value.replace(/ +$/, '');
    if (value.endsWith(':') || value.includes(': ')) throw beyond;
    this.pos = found === -1 ? end : end + 1;
    this.nextLine();
    return this.resolved(value);
  }

  private requirePlainStart(): void {
    const { text, pos } = this;
    const code = text.charCodeAt(pos);
    const starts = code === dash ? afterDash[text.charCodeAt(pos + 1)] : firstOfPlain[code];
    if (starts !== 1) throw beyond;
  }

  private resolved(value: string): unknown {
    return firstOfSpecial[value.charCodeAt(0)] === 1 ? this.scalars.resolve(value) : value;
  }

  /** A text in quotes that ends on its line. */
  private quoted(): string {
    const { text } = this;
    const start = this.pos + 1;
    const isSingle = text.charCodeAt(this.pos) === 0x27;
    const pattern = isSingle ? singleQuoted : doubleQuoted;
    pattern.lastIndex = this.pos;
    if (!pattern.test(text)) throw beyond;
    this.pos = pattern.lastIndex;
    const inner = text.slice(start, this.pos - 1);
    if (isSingle) return inner.includes("'") ? inner.replaceAll("''", "'") : inner;
    return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner;
  }

  private flow(): unknown {
    if (++this.depth > deepest) throw beyond;
    const isMap = this.text.charCodeAt(this.pos) === 0x7b;
    const value = isMap ? this.flowMapping() : this.flowSequence();
    this.depth--;
    return value;
  }

  private flowSequence(): unknown[] {
    const list: unknown[] = [];
    if (this.opens(0x5d)) return list;
    do list.push(plainValue(this.flowValue()));
    while (this.goesOn(0x5d));
    return list;
  }

  private flowMapping(): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    if (this.opens(0x7d)) return map;
    do {
      const key = this.key();
      if (Object.hasOwn(map, key)) throw beyond;
      this.skipSpaces();
      this.set(map, key, this.flowValue());
    } while (this.goesOn(0x7d));
    return map;
  }

  /** Past an opening bracket; true where the collection is closed at once. */
  private opens(closing: number): boolean {
    this.pos++;
    this.skipSpaces();
    if (this.text.charCodeAt(this.pos) !== closing) return false;
    this.pos++;
    return true;
  }

  /** Past the comma to the next entry, or past the closing bracket. */
  private goesOn(closing: number): boolean {
    this.skipSpaces();
    const code = this.text.charCodeAt(this.pos++);
    if (code !== comma && code !== closing) throw beyond;
    if (code === comma) this.skipSpaces();
    return code === comma;
  }

  private skipSpaces(): void {
    while (this.text.charCodeAt(this.pos) === space) this.pos++;
  }

  private flowValue(): unknown {
    const { text } = this;
    const code = text.charCodeAt(this.pos);
    if (isQuote(code)) return this.quoted();
    if (code === 0x5b || code === 0x7b) return this.flow();
    this.requirePlainStart();
    endOfFlowPlain.lastIndex = this.pos;
    const end = endOfFlowPlain.exec(text)?.index ?? -1;
    if (end === -1) throw beyond;
    const value = text.slice(this.pos, end).replace(/ +$/, '');
    if (/:$|: |:[,[\]{}]| #/.test(value)) throw beyond;
    this.pos = end;
    return this.resolved(value);
  }

  /** A `|` block without a given width. */
  private literal(parent: number): string {
    const { text } = this;
    const header = /\|([-+]?)\n/y;
    header.lastIndex = this.pos;
    const chomping = header.exec(text)?.[1];
    if (chomping === undefined) throw beyond;
    let indent = -1;
    let value = '';
    let blanks = 0;
    let pos = header.lastIndex;
    for (; pos < text.length; ) {
      let column = 0;
      while (text.charCodeAt(pos + column) === space) column++;
      const end = text.indexOf('\n', pos);
      const isText = text.charCodeAt(pos + column) !== lineEnd;
      if (isText && indent !== -1 && column < indent) break;
      if (end === -1) throw beyond;
      if (!isText) {
        // Spaces beyond the width of the block would be part of the text, and before its first line a fault.
        if (column > Math.max(indent, 0)) throw beyond;
        blanks++;
      } else {
        if (indent === -1) indent = column;
        if (indent <= parent) throw beyond;
        value += `${'\n'.repeat(blanks)}${text.slice(pos + indent, end)}\n`;
        blanks = 0;
      }
      pos = end + 1;
    }
    if (indent === -1) throw beyond;
    this.pos = pos;
    this.nextLine();
    if (chomping === '-') return value.slice(0, -1);
    return chomping === '+' ? value + '\n'.repeat(blanks) : value;
  }
}

const singleQuoted = /'(?:[^'\n]|'')*'/y;
const doubleQuoted = /"(?:[^"\\\n]|\\["\\/bfnrt])*"/y;
const endOfFlowPlain = /[,[\]{}\n]/g;

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27;
}

function isMarker(text: string, pos: number): boolean {
  return text.startsWith('---', pos) || text.startsWith('...', pos);
}

function safeKey(key: string): string {
  if (key === '__proto__') throw beyond;
  return key;
}

function plainValue(value: unknown): unknown {
  return value instanceof WrittenScalar ? value.value : value;
}
