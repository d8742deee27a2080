import { TemplateSyntaxError } from './template-error.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'field'
  | 'variable'
  | 'identifier'
  | 'number'
  | 'char'
  | 'string'
  | 'dot'
  | 'symbol';

export interface Token {
  kind: TokenKind;
  /** As written; for text, strings and characters the value. */
  text: string;
  line: number;
}

const space = /[ \t\r\n]+/y;
const comment = /\{\{(- )?[ \t\r\n]*\/\*[\s\S]*?\*\/[ \t\r\n]*?( -)?\}\}/y;
const field = /\.[\p{L}_][\p{L}\p{Nd}_]*/uy;
const variable = /\$(?:[\p{L}_][\p{L}\p{Nd}_]*)?/uy;
const identifier = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const number =
  /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)/y;
const quoted = /"(?:[^"\\\n]|\\.)*"/y;
const raw = /`[^`]*`/y;
const character = /'(?:[^'\\\n]|\\[^\n][^'\n]*)'/y;
const symbol = /:=|[=|(),]/y;

/** Splits a template into text and the tokens of its actions; `{{-` and `-}}` trim the text beside them. */
export function tokenize(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  private readonly source: string;
  private readonly tokens: Token[] = [];
  private position = 0;
  private line = 1;
  private trimNext = false;

  constructor(source: string) {
    this.source = source;
  }

  run(): Token[] {
    while (this.position < this.source.length) {
      const open = this.source.indexOf('{{', this.position);
      this.addText(open < 0 ? this.source.length : open);
      if (open < 0) break;
      if (!this.skipComment()) this.readAction();
    }
    return this.tokens;
  }

  /** Text up to `end`, trimmed on the sides where an action says so. */
  private addText(end: number): void {
    const start = this.position;
    let text = this.source.slice(start, end);
    if (this.trimNext) text = text.replace(/^[ \t\r\n]+/, '');
    if (/^\{\{-[ \t\r\n]/.test(this.source.slice(end, end + 4))) text = text.replace(/[ \t\r\n]+$/, '');
    this.trimNext = false;
    if (text !== '') this.tokens.push({ kind: 'text', text, line: this.line });
    this.advance(end);
  }

  private skipComment(): boolean {
    const match = this.match(comment);
    if (match === undefined) return false;
    this.trimNext = match.endsWith(' -}}');
    return true;
  }

  private readAction(): void {
    this.push('open', '{{');
    this.advance(this.position + 2);
    if (/^-[ \t\r\n]/.test(this.source.slice(this.position, this.position + 2))) this.advance(this.position + 1);
    for (;;) {
      if (this.position >= this.source.length) throw this.fault('unclosed action');
      if (/^[ \t\r\n]-\}\}/.test(this.source.slice(this.position, this.position + 4))) {
        this.close(4);
        this.trimNext = true;
        return;
      }
      if (this.source.startsWith('}}', this.position)) {
        this.close(2);
        return;
      }
      this.readToken();
    }
  }

  private close(length: number): void {
    this.push('close', '}}');
    this.advance(this.position + length);
  }

  private readToken(): void {
    if (this.take(space, 'space') || this.take(field, 'field') || this.take(variable, 'variable')) return;
    if (this.take(number, 'number') || this.take(identifier, 'identifier') || this.take(symbol, 'symbol')) return;
    if (this.takeLiteral(quoted, 'string', (text) => unquote(text.slice(1, -1)))) return;
    if (this.takeLiteral(raw, 'string', (text) => text.slice(1, -1))) return;
    if (this.takeLiteral(character, 'char', (text) => unquote(text.slice(1, -1)))) return;
    const next = this.source[this.position] ?? '';
    if (next === '.') {
      this.push('dot', '.');
      this.advance(this.position + 1);
      return;
    }
    if (next === '"' || next === '`') throw this.fault('unterminated quoted string');
    throw this.fault(`unexpected ${JSON.stringify(next)} in command`);
  }

  private take(pattern: RegExp, kind: TokenKind): boolean {
    const line = this.line;
    const text = this.match(pattern);
    if (text !== undefined) this.tokens.push({ kind, text, line });
    return text !== undefined;
  }

  private takeLiteral(pattern: RegExp, kind: TokenKind, read: (text: string) => string | undefined): boolean {
    const line = this.line;
    const text = this.match(pattern);
    if (text === undefined) return false;
    const value = read(text);
    if (value === undefined) throw this.fault(`invalid syntax in ${text}`);
    this.tokens.push({ kind, text: value, line });
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.source)?.[0];
    if (match !== undefined) this.advance(this.position + match.length);
    return match;
  }

  private push(kind: TokenKind, text: string): void {
    this.tokens.push({ kind, text, line: this.line });
  }

  private advance(to: number): void {
    for (let i = this.position; i < to; i++) if (this.source[i] === '\n') this.line++;
    this.position = to;
  }

  private fault(message: string): TemplateSyntaxError {
    return new TemplateSyntaxError(this.line, message);
  }
}

const escapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Go's escapes; undefined for one that Go does not have. */
function unquote(text: string): string | undefined {
  let isValid = true;
  const value = text.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs,
    (...match) => {
      const [, hex, unicode, long, octal, plain] = match as (string | undefined)[];
      const code = hex ?? unicode ?? long;
      if (code !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      const known = escapes[plain ?? ''];
      if (known === undefined) isValid = false;
      return known ?? '';
    },
  );
  return isValid ? value : undefined;
}
