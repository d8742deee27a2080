import type { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { compareQuantities, parseQuantity } from './quantity.ts';

/** Adds to CEL what Kubernetes adds: functions on texts, lists, URLs and quantities. */
export function celLibrary(environment: Environment): Environment {
  const add = (signature: string, handler: (...values: never[]) => unknown) => {
    try {
      environment.registerFunction(signature, handler as never);
    } catch {
      // The engine has it already.
    }
  };
  add('string.find(string): string', (text: string, pattern: string) => {
    const matcher = RE2JS.compile(pattern).matcher(text);
    return matcher.find() ? (matcher.group() ?? '') : '';
  });
  add('string.findAll(string): list', (text: string, pattern: string) => {
    const matcher = RE2JS.compile(pattern).matcher(text);
    const found: string[] = [];
    while (matcher.find()) found.push(matcher.group() ?? '');
    return found;
  });
  add('string.replace(string, string): string', (text: string, from: string, to: string) => text.replaceAll(from, to));
  add('string.charAt(int): string', (text: string, index: bigint) => text.charAt(Number(index)));
  add('string.indexOf(string): int', (text: string, part: string) => BigInt(text.indexOf(part)));
  add('string.lastIndexOf(string): int', (text: string, part: string) => BigInt(text.lastIndexOf(part)));
  add('string.substring(int): string', (text: string, from: bigint) => text.slice(Number(from)));
  add('string.substring(int, int): string', (text: string, from: bigint, to: bigint) =>
    text.slice(Number(from), Number(to)),
  );
  add('string.lowerAscii(): string', (text: string) => text.toLowerCase());
  add('string.upperAscii(): string', (text: string) => text.toUpperCase());
  add('string.trim(): string', (text: string) => text.trim());
  add('string.split(string): list', (text: string, by: string) => text.split(by));
  add('list.join(): string', (list: string[]) => list.join(''));
  add('list.join(string): string', (list: string[], by: string) => list.join(by));
  add('list.isSorted(): bool', (list: (string | bigint | number)[]) =>
    list.every((item, index) => index === 0 || (list[index - 1] ?? item) <= item),
  );
  add('list.sum(): int', (list: bigint[]) => list.reduce((sum, item) => sum + item, 0n));
  add('list.min(): dyn', (list: bigint[]) => [...list].sort(byValue)[0]);
  add('list.max(): dyn', (list: bigint[]) => [...list].sort(byValue).at(-1));
  add('list.indexOf(dyn): int', (list: unknown[], item: unknown) => BigInt(list.indexOf(item)));
  add('isURL(string): bool', (text: string) => URL.canParse(text));
  add('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined);
  add('quantity(string): string', (text: string) => text);
  add('string.compareTo(string): int', (a: string, b: string) =>
    BigInt(compareQuantities(a, b) ?? (a < b ? -1 : a > b ? 1 : 0)),
  );
  return environment;
}

function byValue(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
