import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  difference,
  type FieldSet,
  intersection,
  isSubset,
  paths,
  recursiveDifference,
  sorted,
  union,
} from './field-set.ts';

/** Sets as lists of paths, from which tries are built by joining them one by one. */
const path = fc.array(fc.constantFrom('f:a', 'f:b', 'f:c'), { minLength: 1, maxLength: 3 });
const listed = fc.array(path, { maxLength: 6 });

function setOf(all: readonly (readonly string[])[]): FieldSet {
  return all.reduce<FieldSet>(
    (set, one) =>
      union(
        set,
        one.reduceRight<FieldSet>((below, element) => ({ [element]: below }), {}),
      ),
    {},
  );
}

const texts = (set: FieldSet) => new Set(paths(set).map((one) => one.join('/')));

describe('sets of paths', () => {
  test('a path and one below it are two members', () => {
    expect(setOf([['f:data'], ['f:data', 'f:k']])).toEqual({ 'f:data': { '.': {}, 'f:k': {} } });
    expect(setOf([['f:data', 'f:k']])).toEqual({ 'f:data': { 'f:k': {} } });
  });

  test('union, difference and intersection are those of the paths', () => {
    fc.assert(
      fc.property(listed, listed, (left, right) => {
        const [a, b] = [setOf(left), setOf(right)];
        const [inA, inB] = [texts(a), texts(b)];
        expect(texts(union(a, b))).toEqual(new Set([...inA, ...inB]));
        expect(texts(difference(a, b))).toEqual(new Set([...inA].filter((one) => !inB.has(one))));
        expect(texts(intersection(a, b))).toEqual(new Set([...inA].filter((one) => inB.has(one))));
        expect(isSubset(a, b)).toBe([...inA].every((one) => inB.has(one)));
      }),
    );
  });

  test('a recursive difference takes what is below as well', () => {
    fc.assert(
      fc.property(listed, listed, (left, right) => {
        const [a, b] = [setOf(left), setOf(right)];
        const gone = [...texts(b)];
        const kept = [...texts(a)].filter((one) => !gone.some((top) => one === top || one.startsWith(`${top}/`)));
        expect(texts(recursiveDifference(a, b))).toEqual(new Set(kept));
      }),
    );
  });

  test('operands are left as they are', () => {
    const a = setOf([['f:a'], ['f:a', 'f:b']]);
    const text = JSON.stringify(a);
    union(a, setOf([['f:c']]));
    difference(a, setOf([['f:a']]));
    expect(JSON.stringify(a)).toBe(text);
  });

  test('fields come before items, each by name', () => {
    const set = { 'v:"x"': {}, 'f:b': {}, 'k:{"name":"m"}': { 'f:z': {}, '.': {}, 'f:a': {} }, 'f:a': {} };
    expect(JSON.stringify(sorted(set))).toBe(
      '{"f:a":{},"f:b":{},"k:{\\"name\\":\\"m\\"}":{".":{},"f:a":{},"f:z":{}},"v:\\"x\\"":{}}',
    );
  });
});
