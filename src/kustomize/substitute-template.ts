import { MillraceError } from '../base/error.ts';

/** What is done with a variable's value. `default` is all of `=`, `:=`, `:-`, `:?` and `:+`: Flux does not tell them apart. */
export type Operation =
  | 'value'
  | 'length'
  | 'default'
  | 'substring'
  | 'lower-first'
  | 'lower'
  | 'upper-first'
  | 'upper'
  | 'trim-prefix'
  | 'trim-longest-prefix'
  | 'trim-suffix'
  | 'trim-longest-suffix'
  | 'replace'
  | 'replace-all'
  | 'replace-prefix'
  | 'replace-suffix';

/** `${name…}`; each argument is text with further expressions in it. */
export interface Expression {
  name: string;
  operation: Operation;
  args: TemplatePart[][];
}

export type TemplatePart = string | Expression;

/** A text being read, and how far. */
interface Cursor {
  text: string;
  at: number;
  depth: number;
}

const deepestNesting = 200;
const operationOf: Readonly<Record<string, Operation>> = {
  ',': 'lower-first',
  ',,': 'lower',
  '^': 'upper-first',
  '^^': 'upper',
  '#': 'trim-prefix',
  '##': 'trim-longest-prefix',
  '%': 'trim-suffix',
  '%%': 'trim-longest-suffix',
  '/': 'replace',
  '//': 'replace-all',
  '/#': 'replace-prefix',
  '/%': 'replace-suffix',
};

/** Reads a text with `${…}` expressions; `$$` stands for `$`. Throws SUBSTITUTION_FAILED with the line at fault. */
export function parseTemplate(text: string): TemplatePart[] {
  const cursor: Cursor = { text, at: 0, depth: 0 };
  const parts: TemplatePart[] = [];
  let literal = '';
  while (cursor.at < text.length) {
    const dollar = text.indexOf('$', cursor.at);
    if (dollar < 0) break;
    literal += text.slice(cursor.at, dollar);
    const next = text[dollar + 1];
    cursor.at = dollar + 2;
    if (next === '{') {
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(parseExpression(cursor));
    } else if (next === '$') literal += '$';
    else {
      literal += '$';
      cursor.at = dollar + 1;
    }
  }
  literal += text.slice(cursor.at);
  if (literal !== '') parts.push(literal);
  return parts;
}

/** From behind `${` to behind its `}`. */
function parseExpression(cursor: Cursor): Expression {
  if (++cursor.depth > deepestNesting) throw fault(cursor, 'expressions are nested too deeply');
  const expression = peek(cursor) === '#' ? parseLength(cursor) : parseNamed(cursor);
  cursor.depth--;
  return expression;
}

function parseLength(cursor: Cursor): Expression {
  cursor.at++;
  const name = readName(cursor);
  if (name === '') throw fault(cursor, 'bad substitution');
  expectClose(cursor);
  return { name, operation: 'length', args: [] };
}

function parseNamed(cursor: Cursor): Expression {
  const name = readName(cursor);
  if (name === '') throw fault(cursor, 'unable to parse variable name');
  switch (peek(cursor)) {
    case '}':
      cursor.at++;
      return { name, operation: 'value', args: [] };
    case ':':
      return '=-?+'.includes(cursor.text[cursor.at + 1] ?? ' ')
        ? parseDefault(cursor, name, 2)
        : parseSubstring(cursor, name);
    case '=':
      return parseDefault(cursor, name, 1);
    case ',':
    case '^': {
      const operation = readOperation(cursor, ',^');
      expectClose(cursor);
      return { name, operation, args: [] };
    }
    case '#':
    case '%': {
      const operation = readOperation(cursor, peek(cursor));
      const pattern = readArgument(cursor, { until: '}' });
      expectClose(cursor);
      return { name, operation, args: [pattern] };
    }
    case '/':
      return parseReplace(cursor, name);
    default:
      throw fault(cursor, 'missing closing brace');
  }
}

/** `${name:=word}`: the word may hold several expressions with text between them. */
function parseDefault(cursor: Cursor, name: string, operatorLength: number): Expression {
  cursor.at += operatorLength;
  const args: TemplatePart[][] = [];
  while (peek(cursor) !== '}') args.push(readArgument(cursor, { until: '}' }));
  expectClose(cursor);
  return { name, operation: 'default', args };
}

function parseSubstring(cursor: Cursor, name: string): Expression {
  cursor.at++;
  // The reference misreads a character of several bytes here; it is no number in any case.
  if (cursor.at >= cursor.text.length || peek(cursor) > '\x7f') throw fault(cursor, 'bad substitution');
  const offset = readArgument(cursor, { until: ':}' });
  if (peek(cursor) !== ':') {
    expectClose(cursor);
    return { name, operation: 'substring', args: [offset] };
  }
  while (peek(cursor) === ':') cursor.at++;
  const length = readArgument(cursor, { until: '}' });
  expectClose(cursor);
  return { name, operation: 'substring', args: [offset, length] };
}

/** `${name/pattern/replacement}`: the pattern goes up to the next slash, closing braces included. */
function parseReplace(cursor: Cursor, name: string): Expression {
  let operator = '/';
  cursor.at++;
  if ('/#%'.includes(peek(cursor) || ' ')) {
    operator += peek(cursor);
    cursor.at++;
  }
  const operation = operationOf[operator] ?? 'replace';
  const pattern = readArgument(cursor, { until: '/', escapes: true });
  if (peek(cursor) !== '/') throw fault(cursor, 'bad substitution');
  // Several slashes delimit as one.
  while (peek(cursor) === '/') cursor.at++;
  if (peek(cursor) === '}') {
    cursor.at++;
    return { name, operation, args: [pattern] };
  }
  const replacement = readArgument(cursor, { until: '}', escapes: true });
  expectClose(cursor);
  return { name, operation, args: [pattern, replacement] };
}

interface ArgumentRules {
  /** Characters that end the argument. */
  until: string;
  /** Whether `\/`, `\\` and `$$` stand for `/`, `\` and `$`. */
  escapes?: boolean;
}

/** An argument is either one expression or text up to the next one. */
function readArgument(cursor: Cursor, { until, escapes = false }: ArgumentRules): TemplatePart[] {
  const { text } = cursor;
  if (text.startsWith('${', cursor.at)) {
    cursor.at += 2;
    return [parseExpression(cursor)];
  }
  const start = cursor.at;
  let word = '';
  while (cursor.at < text.length) {
    const char = peek(cursor);
    if (text.startsWith('${', cursor.at)) break;
    if (escapes && isEscape(text, cursor.at)) cursor.at++;
    else if (until.includes(char)) break;
    word += peek(cursor);
    cursor.at++;
  }
  if (cursor.at === start) throw fault(cursor, 'unable to parse substitution within function');
  return [word];
}

function isEscape(text: string, at: number): boolean {
  const next = text[at + 1];
  return text[at] === '$' ? next === '$' : text[at] === '\\' && (next === '/' || next === '\\');
}

/** One or two characters out of `allowed`. */
function readOperation(cursor: Cursor, allowed: string): Operation {
  let operator = peek(cursor);
  cursor.at++;
  const second = peek(cursor);
  if (second !== '' && allowed.includes(second)) {
    operator += second;
    cursor.at++;
  }
  // Two different letters (`,^`) are no operator of the reference: it gives the value as it is.
  return operationOf[operator] ?? 'value';
}

const nameCharacters = /[\p{L}\p{Nd}_]+/uy;

function readName(cursor: Cursor): string {
  nameCharacters.lastIndex = cursor.at;
  const name = nameCharacters.exec(cursor.text)?.[0] ?? '';
  cursor.at += name.length;
  return name;
}

function expectClose(cursor: Cursor): void {
  if (peek(cursor) !== '}') throw fault(cursor, 'bad substitution');
  cursor.at++;
}

/** The next character, '' at the end. */
function peek({ text, at }: Cursor): string {
  return text[at] ?? '';
}

function fault({ text, at }: Cursor, what: string): MillraceError {
  const line = text.slice(0, at).split('\n').length;
  return new MillraceError('SUBSTITUTION_FAILED', `${what} in line ${line}`, {
    hint: 'Check the ${…} expression; write $${…} for text that is not to be substituted.',
    retry: 'never',
  });
}
