import type { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';

/** What an expression calls by a name with a dot: `sets.contains(a, b)`. */
class Sets {}
class Base64 {}
class Strings {}

/**
 * Adds the extensions that Flux's environment has and the engine lacks: strings, sets, encoders (cel-go ext). Patterns run on
 * RE2: expressions come from whoever may write a Kustomization, and a pattern must not stall a worker.
 */
export function addExtensions(environment: Environment): void {
  const add = (signature: string, handler: (...values: never[]) => unknown) =>
    environment.registerFunction(signature, handler as never, { async: false });

  add('string.charAt(int): string', (text: string, index: bigint) => [...text][Number(index)] ?? '');
  add('string.replace(string, string): string', (text: string, from: string, to: string) =>
    replaceFirst(text, from, to, Number.POSITIVE_INFINITY),
  );
  add('string.replace(string, string, int): string', (text: string, from: string, to: string, most: bigint) =>
    replaceFirst(text, from, to, most < 0n ? Number.POSITIVE_INFINITY : Number(most)),
  );
  add('string.reverse(): string', (text: string) => [...text].reverse().join(''));
  add('string.format(list): string', format);
  add('string.re2Matches(string): bool', (text: string, pattern: string) =>
    RE2JS.compile(pattern).matcher(text).find(),
  );
  add('re2Matches(string, string): bool', (text: string, pattern: string) =>
    RE2JS.compile(pattern).matcher(text).find(),
  );

  environment.registerType('SetsNamespace', Sets);
  environment.registerConstant('sets', 'SetsNamespace', new Sets());
  add('SetsNamespace.contains(list, list): bool', (_: Sets, all: unknown[], some: unknown[]) => includesAll(all, some));
  add(
    'SetsNamespace.equivalent(list, list): bool',
    (_: Sets, a: unknown[], b: unknown[]) => includesAll(a, b) && includesAll(b, a),
  );
  add('SetsNamespace.intersects(list, list): bool', (_: Sets, a: unknown[], b: unknown[]) =>
    b.some((item) => includesAll(a, [item])),
  );

  environment.registerType('Base64Namespace', Base64);
  environment.registerConstant('base64', 'Base64Namespace', new Base64());
  add('Base64Namespace.encode(bytes): string', (_: Base64, bytes: Uint8Array) => Buffer.from(bytes).toString('base64'));
  add(
    'Base64Namespace.decode(string): bytes',
    (_: Base64, text: string) => new Uint8Array(Buffer.from(text, 'base64')),
  );

  environment.registerType('StringsNamespace', Strings);
  environment.registerConstant('strings', 'StringsNamespace', new Strings());
  add('StringsNamespace.quote(string): string', (_: Strings, text: string) => JSON.stringify(text));
}

const literal = /[rR]"[^"]*"|[rR]'[^']*'|"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g;

/** Calls of `matches` go to the implementation on RE2; the engine's own cannot be replaced by name. */
export function withSafePatterns(expression: string): string {
  let result = '';
  let end = 0;
  const outside = (code: string) => code.replace(/\bmatches(?=\s*\()/g, 're2Matches');
  for (const { 0: text, index } of expression.matchAll(literal)) {
    result += outside(expression.slice(end, index)) + text;
    end = index + text.length;
  }
  return result + outside(expression.slice(end));
}

function replaceFirst(text: string, from: string, to: string, most: number): string {
  const parts = text.split(from);
  if (parts.length - 1 <= most) return parts.join(to);
  return [parts.slice(0, most + 1).join(to), ...parts.slice(most + 1)].join(from);
}

function includesAll(all: readonly unknown[], some: readonly unknown[]): boolean {
  const known = new Set(all.map(canonical));
  return some.every((item) => known.has(canonical(item)));
}

/** One text for values that are equal to CEL: 1, 1u and 1.0 are. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? Number(item) : item));
}

/** `%s`, `%d`, `%f` with a precision, `%x`, `%X`, `%o`, `%b`, `%e`, `%%`. */
function format(pattern: string, values: unknown[]): string {
  let next = 0;
  return pattern.replace(/%(?:\.(\d+))?([sdfxXobe%])/g, (_, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%';
    if (next >= values.length) throw new Error(`format: no value for argument ${next + 1}`);
    return formatValue(verb, values[next++], precision === undefined ? 6 : Number(precision));
  });
}

const radixes: Readonly<Record<string, number>> = { x: 16, X: 16, o: 8, b: 2 };

function formatValue(verb: string, value: unknown, precision: number): string {
  const radix = radixes[verb];
  if (radix !== undefined) {
    const text = typeof value === 'string' ? Buffer.from(value).toString('hex') : BigInt(String(value)).toString(radix);
    return verb === 'X' ? text.toUpperCase() : text;
  }
  if (verb === 'f') return Number(value).toFixed(precision);
  if (verb === 'e') return Number(value).toExponential(precision);
  return typeof value === 'object' && value !== null ? canonical(value) : String(value);
}
