/** Reads the arguments of template functions, with Go's messages for wrong ones. */
import { GoMap, isList, noValue, printValue, typeName, type Value } from '../value.ts';

export function textAt(args: readonly Value[], index: number): string {
  const value = argumentAt(args, index);
  if (typeof value === 'string') return value;
  throw wrongType(value, 'string');
}

export function integerAt(args: readonly Value[], index: number): number {
  return Number(toInteger(argumentAt(args, index)));
}

export function listAt(args: readonly Value[], index: number): readonly Value[] {
  const value = argumentAt(args, index);
  if (isList(value)) return value;
  throw wrongType(value, 'slice');
}

export function mapAt(args: readonly Value[], index: number): GoMap {
  const value = argumentAt(args, index);
  if (value instanceof GoMap) return value;
  throw wrongType(value, 'map[string]interface {}');
}

export function argumentAt(args: readonly Value[], index: number): Value {
  const value = args[index];
  if (value === undefined) throw new Error(`wrong number of args: want at least ${index + 1} got ${args.length}`);
  return value;
}

/** Sprig's lenient integer: text and floats are converted, anything else is 0. */
export function toInteger(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value !== 'string') return 0n;
  if (/^[+-]?(?:0[xXoObB])?[0-9a-fA-F]+$/.test(value)) {
    try {
      const sign = value.startsWith('-') ? -1n : 1n;
      return sign * BigInt(value.replace(/^[+-]/, '').replace(/^0+(?=[0-9])/, ''));
    } catch {
      return 0n;
    }
  }
  return 0n;
}

export function toFloat(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return /^[-+0-9.eE]+$/.test(value) ? Number(value) || 0 : 0;
  return Number(toInteger(value));
}

/** Sprig's `strval`: strings as they are, everything else as it prints. */
export function toText(value: Value): string {
  return typeof value === 'string' ? value : value === null || value === noValue ? '' : printValue(value);
}

/** A list as strings; a single value is a list of one, nil an empty one. */
export function toTexts(value: Value): string[] {
  if (isList(value)) return value.filter((item) => item !== null).map(toText);
  return value === null || value === noValue ? [] : [toText(value)];
}

/** Guards functions that could be asked for a huge result. */
export function checkCount(count: number): number {
  if (count < 0) throw new Error('negative count');
  if (count > 100_000) throw new Error(`count ${count} is too large`);
  return count;
}

function wrongType(value: Value, wanted: string): Error {
  if (value === noValue || value === null) return new Error(`invalid value; expected ${wanted}`);
  return new Error(`wrong type for value; expected ${wanted}; got ${typeName(value)}`);
}
