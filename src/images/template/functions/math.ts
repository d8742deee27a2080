/** Sprig's arithmetic: integers, and the same names with `f` for floats. */
import type { Value } from '../value.ts';
import { integerAt, toFloat, toInteger } from './arguments.ts';
import type { TemplateFunction } from './function-table.ts';

const onIntegers = (work: (a: bigint, b: bigint) => bigint) => (args: readonly Value[]) =>
  args.map(toInteger).reduce(work);
const onFloats = (work: (a: number, b: number) => number) => (args: readonly Value[]) => args.map(toFloat).reduce(work);

export const mathFunctions: Record<string, TemplateFunction> = {
  add: onIntegers((a, b) => a + b),
  add1: ([value = 0n]) => toInteger(value) + 1n,
  sub: onIntegers((a, b) => a - b),
  mul: onIntegers((a, b) => a * b),
  div: onIntegers((a, b) => divide(a, b)),
  mod: onIntegers((a, b) => {
    if (b === 0n) throw new Error('runtime error: integer divide by zero');
    return a % b;
  }),
  max: onIntegers(larger),
  biggest: onIntegers(larger),
  min: onIntegers((a, b) => (larger(a, b) === a ? b : a)),
  addf: onFloats((a, b) => a + b),
  add1f: ([value = 0]) => toFloat(value) + 1,
  subf: onFloats((a, b) => a - b),
  mulf: onFloats((a, b) => a * b),
  divf: onFloats((a, b) => a / b),
  maxf: onFloats(Math.max),
  minf: onFloats(Math.min),
  ceil: ([value = 0]) => Math.ceil(toFloat(value)),
  floor: ([value = 0]) => Math.floor(toFloat(value)),
  round: (args) => {
    const scale = 10 ** integerAt(args, 1);
    return Math.round(toFloat(args[0] ?? 0) * scale) / scale;
  },
};

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Error('runtime error: integer divide by zero');
  return a / b;
}

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}
