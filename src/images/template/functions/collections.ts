/** Sprig's functions on lists and dictionaries, defaults and types. Values are never changed in place. */
import { deepEqualValues, GoMap, isList, isTruthy, kindName, noValue, typeName, type Value } from '../value.ts';
import { argumentAt, checkCount, integerAt, listAt, mapAt, textAt, toText } from './arguments.ts';
import type { TemplateFunction } from './function-table.ts';

const lists: Record<string, TemplateFunction> = {
  list: (args) => [...args],
  tuple: (args) => [...args],
  first: (args) => listAt(args, 0)[0] ?? null,
  last: (args) => listAt(args, 0).at(-1) ?? null,
  rest: (args) => listAt(args, 0).slice(1),
  initial: (args) => listAt(args, 0).slice(0, -1),
  append: (args) => [...listAt(args, 0), argumentAt(args, 1)],
  prepend: (args) => [argumentAt(args, 1), ...listAt(args, 0)],
  concat: (args) => args.flatMap((_, index) => listAt(args, index)),
  reverse: (args) => [...listAt(args, 0)].reverse(),
  uniq: (args) => unique(listAt(args, 0)),
  compact: (args) => listAt(args, 0).filter(isTruthy),
  has: (args) => isList(args[1] ?? null) && listAt(args, 1).some((item) => deepEqualValues(item, argumentAt(args, 0))),
  without: ([list = null, ...unwanted]) =>
    listAt([list], 0).filter((item) => !unwanted.some((other) => deepEqualValues(item, other))),
  chunk: (args) => {
    const size = Math.max(1, integerAt(args, 0));
    const list = listAt(args, 1);
    return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
      list.slice(index * size, (index + 1) * size),
    );
  },
};

const dictionaries: Record<string, TemplateFunction> = {
  dict: (args) => new GoMap(pairs(args)),
  get: (args) => {
    const value = mapAt(args, 0).get(textAt(args, 1));
    return value === noValue ? '' : value;
  },
  set: (args) => merged(mapAt(args, 0), new GoMap([[textAt(args, 1), argumentAt(args, 2)]])),
  unset: (args) => filterKeys(mapAt(args, 0), (key) => key !== textAt(args, 1)),
  hasKey: (args) => mapAt(args, 0).has(textAt(args, 1)),
  keys: (args) => args.flatMap((_, index) => mapAt(args, index).entries.map(([key]) => key)),
  values: (args) => mapAt(args, 0).entries.map(([, value]) => value),
  pick: ([dictionary = null, ...keys]) => filterKeys(mapAt([dictionary], 0), (key) => keys.includes(key)),
  omit: ([dictionary = null, ...keys]) => filterKeys(mapAt([dictionary], 0), (key) => !keys.includes(key)),
  pluck: ([key = null, ...dictionaryValues]) =>
    dictionaryValues.flatMap((value) => (value instanceof GoMap && value.has(key) ? [value.get(key)] : [])),
  merge: (args) => args.map((_, index) => mapAt(args, index)).reduceRight((rest, own) => merged(rest, own)),
  mergeOverwrite: (args) => args.map((_, index) => mapAt(args, index)).reduce((rest, own) => merged(rest, own)),
  dig: (args) => {
    const path = args.slice(0, -2);
    let value: Value = argumentAt(args, args.length - 1);
    for (const key of path) {
      if (!(value instanceof GoMap) || !value.has(key)) return argumentAt(args, args.length - 2);
      value = value.get(key);
    }
    return value;
  },
};

const choices: Record<string, TemplateFunction> = {
  default: ([fallback = null, given = null]) => (isTruthy(given) ? given : fallback),
  empty: ([value = null]) => !isTruthy(value),
  coalesce: (args) => args.find(isTruthy) ?? null,
  all: (args) => args.every(isTruthy),
  any: (args) => args.some(isTruthy),
  ternary: (args) => (argumentAt(args, 2) === true ? argumentAt(args, 0) : argumentAt(args, 1)),
  fail: (args) => {
    throw new Error(textAt(args, 0));
  },
  deepCopy: (args) => argumentAt(args, 0),
  deepEqual: (args) => deepEqualValues(argumentAt(args, 0), argumentAt(args, 1)),
  kindOf: (args) => kindName(argumentAt(args, 0)),
  kindIs: (args) => kindName(argumentAt(args, 1)) === textAt(args, 0),
  typeOf: (args) => typeName(argumentAt(args, 0)),
  typeIs: (args) => typeName(argumentAt(args, 1)) === textAt(args, 0),
  typeIsLike: (args) => typeName(argumentAt(args, 1)).replace(/^\*/, '') === textAt(args, 0).replace(/^\*/, ''),
  seq: (args) => sequence(args.map((_, index) => integerAt(args, index))).join(' '),
  until: (args) => steps(0, integerAt(args, 0), integerAt(args, 0) < 0 ? -1 : 1),
  untilStep: (args) => steps(integerAt(args, 0), integerAt(args, 1), integerAt(args, 2)),
};

/** Sprig has most list functions a second time, reporting errors instead of panicking; ours report anyway. */
const mustNames = [
  'append',
  'chunk',
  'compact',
  'first',
  'has',
  'initial',
  'last',
  'merge',
  'mergeOverwrite',
  'prepend',
  'rest',
  'reverse',
  'uniq',
  'without',
  'deepCopy',
];
const all = { ...lists, ...dictionaries, ...choices };
const aliases: Record<string, TemplateFunction> = Object.fromEntries(
  mustNames.flatMap((name) => {
    const work = all[name];
    return work === undefined ? [] : [[`must${name.charAt(0).toUpperCase()}${name.slice(1)}`, work]];
  }),
);

export const collectionFunctions: Record<string, TemplateFunction> = {
  ...all,
  ...aliases,
  push: (args) => [...listAt(args, 0), argumentAt(args, 1)],
  mustPush: (args) => [...listAt(args, 0), argumentAt(args, 1)],
};

function unique(list: readonly Value[]): Value[] {
  const kept: Value[] = [];
  for (const item of list) if (!kept.some((other) => deepEqualValues(item, other))) kept.push(item);
  return kept;
}

function pairs(args: readonly Value[]): [Value, Value][] {
  const entries = new Map<string, Value>();
  for (let i = 0; i < args.length; i += 2) entries.set(toText(argumentAt(args, i)), args[i + 1] ?? '');
  return [...entries];
}

function filterKeys(map: GoMap, keep: (key: Value) => boolean): GoMap {
  return new GoMap(map.entries.filter(([key]) => keep(key)));
}

/** Both maps; `winner` decides, map by map. */
function merged(base: GoMap, winner: GoMap): GoMap {
  const entries = new Map<Value, Value>(base.entries);
  for (const [key, value] of winner.entries) {
    const before = base.get(key);
    entries.set(key, before instanceof GoMap && value instanceof GoMap ? merged(before, value) : value);
  }
  return new GoMap(entries);
}

function steps(start: number, end: number, step: number): bigint[] {
  if (step === 0 || (step > 0 ? end <= start : end >= start)) return [];
  const count = checkCount(Math.ceil((end - start) / step));
  return Array.from({ length: count }, (_, index) => BigInt(start + index * step));
}

/** Like the `seq` program: last, or first and last, or first, step and last. */
function sequence([a, b, c]: readonly number[]): bigint[] {
  if (a === undefined) return [];
  const [first, step, last] =
    b === undefined ? [1, a < 1 ? -1 : 1, a] : c === undefined ? [a, b < a ? -1 : 1, b] : [a, b, c];
  return steps(first, last + Math.sign(step), step);
}
