/** What Go's decoder says of a text: its first syntax error, and every key that stands twice in an object, by its path. */
export interface JsonFaults {
  syntax: string | undefined;
  duplicates: string[];
}

/**
 * Reads a JSON text as Go's `encoding/json` does and words faults as it does. Slower than `JSON.parse`: for bodies that it
 * refused, and for requests that want duplicate keys reported.
 */
export function goJsonFaults(text: string): JsonFaults {
  const scan = new Scan(text);
  try {
    scan.value('');
    scan.end();
    return { syntax: undefined, duplicates: scan.duplicates };
  } catch (error) {
    if (error instanceof SyntaxFault) return { syntax: error.message, duplicates: [] };
    throw error;
  }
}

class SyntaxFault extends Error {}

const escapes = new Set(['b', 'f', 'n', 'r', 't', '\\', '/', '"']);

class Scan {
  readonly duplicates: string[] = [];
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(path: string): void {
    this.space();
    const first = this.text[this.at];
    if (first === '{') this.object(path);
    else if (first === '[') this.array(path);
    else if (first === '"') this.string();
    else if (first === '-' || isDigit(first)) this.number();
    else if (first === 't') this.literal('true');
    else if (first === 'f') this.literal('false');
    else if (first === 'n') this.literal('null');
    else this.fail('looking for beginning of value');
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) this.fail('after top-level value');
  }

  private object(path: string): void {
    const keys = new Set<string>();
    this.at++;
    this.space();
    if (this.take('}')) return;
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') this.fail('looking for beginning of object key string');
      const key = this.string();
      const below = path === '' ? key : `${path}.${key}`;
      if (keys.has(key)) this.duplicates.push(below);
      keys.add(key);
      this.space();
      if (!this.take(':')) this.fail('after object key');
      this.value(below);
      this.space();
      if (this.take('}')) return;
      if (!this.take(',')) this.fail('after object key:value pair');
    }
  }

  private array(path: string): void {
    this.at++;
    this.space();
    if (this.take(']')) return;
    for (let index = 0; ; index++) {
      this.value(`${path}[${index}]`);
      this.space();
      if (this.take(']')) return;
      if (!this.take(',')) this.fail('after array element');
    }
  }

  private string(): string {
    const start = this.at++;
    for (;;) {
      const char = this.text[this.at];
      if (char === '"') break;
      if (char === undefined || char < ' ') this.fail('in string literal');
      this.at++;
      if (char === '\\') this.escape();
    }
    this.at++;
    return JSON.parse(this.text.slice(start, this.at)) as string;
  }

  private escape(): void {
    const char = this.text[this.at] ?? '';
    if (char === 'u') {
      for (let digit = 0; digit < 4; digit++) {
        this.at++;
        if (!/^[0-9a-fA-F]$/.test(this.text[this.at] ?? '')) this.fail('in \\u hexadecimal character escape');
      }
    } else if (!escapes.has(char)) this.fail('in string escape code');
    this.at++;
  }

  private number(): void {
    this.take('-');
    if (!isDigit(this.text[this.at])) this.fail('in numeric literal');
    if (!this.take('0')) this.digits();
    if (this.take('.')) {
      if (!isDigit(this.text[this.at])) this.fail('after decimal point in numeric literal');
      this.digits();
    }
    if (this.take('e') || this.take('E')) {
      if (!this.take('+')) this.take('-');
      if (!isDigit(this.text[this.at])) this.fail('in exponent of numeric literal');
      this.digits();
    }
  }

  private digits(): void {
    while (isDigit(this.text[this.at])) this.at++;
  }

  private literal(word: string): void {
    for (const letter of word) {
      if (this.text[this.at] !== letter) this.fail(`in literal ${word} (expecting '${letter}')`);
      this.at++;
    }
  }

  private space(): void {
    while (/^[ \t\r\n]$/.test(this.text[this.at] ?? '')) this.at++;
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private fail(where: string): never {
    const char = this.text[this.at];
    if (char === undefined) throw new SyntaxFault('unexpected end of JSON input');
    const shown = char === "'" ? "\\'" : char === '"' ? '"' : JSON.stringify(char).slice(1, -1);
    throw new SyntaxFault(`invalid character '${shown}' ${where}`);
  }
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}
