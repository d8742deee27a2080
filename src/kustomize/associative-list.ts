import { isRecord } from '../base/json.ts';
import { scalarText, setKey, textOf } from '../yaml/original-text.ts';
import { isEmpty, type MergeContext, mergeValues } from './strategic-merge.ts';

/*
 * Lists whose items are told apart by keys, or by themselves. The steps are those of kyaml/yaml/walk, oddities included: items
 * of the patch come first where it brings new ones, a secondary key (`protocol`) counts only where it is written.
 */

/** The texts of an item's keys, '' for what it lacks. */
type KeyValues = string[];

/** Merges a patch into a list and gives the result; `keys` is empty for lists of single values. */
export function mergeAssociativeList(
  target: unknown[],
  patch: unknown[] | undefined,
  keys: readonly string[],
  context: MergeContext,
): unknown[] {
  const sources = patch === undefined ? [target] : [target, patch];
  const patchFirst = [...sources].reverse();
  const known = keys.length === 0 ? [''] : keys;
  let identities = distinct(patchFirst.flatMap((list) => list.map((item) => keyValues(item, known))));
  if (known.length > 1) identities = completed(identities);
  const items: unknown[] = [];
  let usedKeys: readonly string[] = known;
  for (const identity of identities) {
    const valid = validKeys(identities, identity, known);
    usedKeys = valid.keys;
    const own = validKeys([valid.values], valid.values, valid.keys);
    const merged = mergeValues(findItem(target, own), patch && findItem(patch, own), {
      schema: context.schema?.items,
      kinds: context.kinds,
      path: context.path,
    });
    if (isEmpty(merged)) {
      setItem(target, undefined, valid);
      continue;
    }
    if (isRecord(merged)) addMissingKeys(merged, valid);
    setItem(items, merged, valid);
  }
  return identities.length === 0 ? target : joined(items, target, usedKeys);
}

interface KeyPairs {
  keys: readonly string[];
  values: KeyValues;
}

function keyValues(item: unknown, keys: readonly string[]): KeyValues {
  return keys.map((key) => {
    if (key === '') return scalarText(item);
    return isRecord(item) && item[key] !== null ? textOf(item, key) : '';
  });
}

function distinct(lists: readonly KeyValues[]): KeyValues[] {
  return [...new Map(lists.map((values) => [values.join('\0'), values])).values()];
}

/** `[80, '']` and `[80, TCP]` are the same item, and both become `[80, TCP]`. */
function completed(identities: readonly KeyValues[]): KeyValues[] {
  const result = [...identities];
  for (let i = 0; i < result.length; i++) {
    const left = result[i] as KeyValues;
    for (let j = 0; j < result.length; j++) {
      const both = unified(left, result[j] as KeyValues);
      if (both === undefined) continue;
      result[i] = both;
      result[j] = both;
    }
  }
  return result;
}

function unified(left: KeyValues, right: KeyValues): KeyValues | undefined {
  if (left.some((value, index) => value !== right[index] && value !== '' && right[index] !== '')) return undefined;
  if (!left.some((value, index) => value === right[index])) return undefined;
  return left.map((value, index) => (value === '' ? (right[index] ?? '') : value));
}

/** The keys that some item has a value for; all of them where none has. */
function validKeys(identities: readonly KeyValues[], values: KeyValues, keys: readonly string[]): KeyPairs {
  const isUsed = keys.map((_, index) => identities.some((identity) => identity[index] !== ''));
  if (!isUsed.includes(true)) return { keys, values };
  return { keys: keys.filter((_, index) => isUsed[index]), values: values.filter((_, index) => isUsed[index]) };
}

function findItem(list: readonly unknown[], { keys, values }: KeyPairs): unknown {
  if (keys[0] === '') return list.find((item) => scalarText(item) === values[0]);
  return list.find(
    (item) =>
      isRecord(item) && keys.every((key, index) => Object.hasOwn(item, key) && textOf(item, key) === values[index]),
  );
}

function addMissingKeys(item: Record<string, unknown>, { keys, values }: KeyPairs): void {
  for (const [index, key] of keys.entries()) {
    if (!Object.hasOwn(item, key) && values[index] !== '') setKey(item, key, values[index]);
  }
}

/** Puts an item in the place of those with its keys, or at the end; undefined removes them. Empty items go too. */
function setItem(list: unknown[], item: unknown, { keys, values }: KeyPairs): void {
  let found = false;
  const isForMaps = keys[0] !== '' && (values[0] ?? '') !== '';
  const kept = list.flatMap((other) => {
    if (isEmpty(other)) return [];
    if (!isRecord(other) && isForMaps) return [other];
    if (!hasKeys(other, keys, values)) return values.length > 0 ? [other] : [];
    found = true;
    return item === undefined ? [] : [item];
  });
  list.splice(0, list.length, ...kept);
  if (item !== undefined && !found) list.push(item);
}

function hasKeys(item: unknown, keys: readonly string[], values: KeyValues): boolean {
  return keys.every((key, index) => {
    const value = values[index];
    if (value === undefined) return index > 0;
    if (key === '') return scalarText(item) === value;
    return isRecord(item) && Object.hasOwn(item, key) && (value === '' || textOf(item, key) === value);
  });
}

/** The merged items and then what else the target has. */
function joined(items: unknown[], target: readonly unknown[], keys: readonly string[]): unknown[] {
  for (const item of target) {
    if (keys[0] === '') {
      setItem(items, item, { keys, values: [scalarText(item)] });
      continue;
    }
    const values: string[] = [];
    for (const key of keys) {
      if (isRecord(item) && Object.hasOwn(item, key)) values.push(textOf(item, key));
      else items.push(item);
    }
    if (keys.length > 1) setItem(items, undefined, { keys, values });
    setItem(items, item, { keys, values });
  }
  return items;
}
