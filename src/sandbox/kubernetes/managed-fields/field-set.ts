/**
 * A set of field paths in the form that managed fields have on the wire (`FieldsV1`), which is a trie: `f:name` is a field,
 * `k:{…}` an item by its keys, `v:…` an item by its value. A path is in the set when its node is empty or has the mark `.`.
 * Sets are immutable: operations share what they do not change.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

interface MutableFieldSet {
  [element: string]: FieldSet;
}

const here = '.';
export const emptySet: FieldSet = Object.freeze({});

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the path that leads to this node is in the set. */
function isMember(node: FieldSet): boolean {
  return node[here] !== undefined || isEmpty(node);
}

/** A node from its parts; undefined when nothing is left of it. */
function nodeOf(member: boolean, children: MutableFieldSet): FieldSet | undefined {
  if (isEmpty(children)) return member ? emptySet : undefined;
  if (member) children[here] = emptySet;
  return children;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  let result: MutableFieldSet | undefined;
  for (const element in b) {
    const right = b[element] as FieldSet;
    const left = a[element];
    const merged = left === undefined ? right : unionNodes(left, right);
    if (merged === left) continue;
    result ??= { ...a };
    result[element] = merged;
  }
  return result ?? a;
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isEmpty(a)) return isEmpty(b) || b[here] !== undefined ? b : { [here]: emptySet, ...b };
  if (isEmpty(b)) return a[here] === undefined ? { [here]: emptySet, ...a } : a;
  return union(a, b);
}

/** The paths of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a;
  let result: MutableFieldSet | undefined;
  for (const element in b) {
    const left = a[element];
    if (left === undefined || element === here) continue;
    const kept = differenceNodes(left, b[element] as FieldSet);
    if (kept === left) continue;
    result ??= { ...a };
    if (kept === undefined) delete result[element];
    else result[element] = kept;
  }
  return result ?? a;
}

function differenceNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const member = isMember(a) && !isMember(b);
  const children = difference(withoutMark(a), withoutMark(b));
  if (isEmpty(children)) return member ? (isEmpty(a) ? a : emptySet) : undefined;
  if (member === isMember(a) && children === a) return a;
  return nodeOf(member, { ...children });
}

/** The paths of `a` that are neither in `b` nor below a path of `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a;
  let result: MutableFieldSet | undefined;
  for (const element in b) {
    const left = a[element];
    const right = b[element] as FieldSet;
    if (left === undefined || element === here) continue;
    const kept = isMember(right)
      ? undefined
      : nodeOf(isMember(left), { ...recursiveDifference(withoutMark(left), right) });
    result ??= { ...a };
    if (kept === undefined) delete result[element];
    else result[element] = kept;
  }
  return result ?? a;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: MutableFieldSet = {};
  for (const element in a) {
    const right = b[element];
    if (right === undefined || element === here) continue;
    const left = a[element] as FieldSet;
    const node = nodeOf(isMember(left) && isMember(right), { ...intersection(left, right) });
    if (node !== undefined) result[element] = node;
  }
  return result;
}

/** Whether every path of `a` is in `b`. */
export function isSubset(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  for (const element in a) {
    if (element === here) continue;
    const left = a[element] as FieldSet;
    const right = b[element];
    if (right === undefined) return false;
    if (isMember(left) && !isMember(right)) return false;
    if (!isSubset(left, right)) return false;
  }
  return true;
}

function withoutMark(node: FieldSet): FieldSet {
  if (node[here] === undefined) return node;
  const { [here]: _, ...children } = node;
  return children;
}

/** Whether the path of one element is in the set. */
export function has(set: FieldSet, element: string): boolean {
  const node = set[element];
  return node !== undefined && isMember(node);
}

/** The paths below an element; empty where there are none. */
export function below(set: FieldSet, element: string): FieldSet {
  const node = set[element];
  return node === undefined ? emptySet : withoutMark(node);
}

/** Every path of the set, in the order of its elements. */
export function paths(set: FieldSet): string[][] {
  const found: string[][] = [];
  const visit = (node: FieldSet, prefix: string[]) => {
    for (const element of Object.keys(node).sort(compareElements)) {
      if (element === here) continue;
      const child = node[element] as FieldSet;
      const path = [...prefix, element];
      if (isMember(child)) found.push(path);
      visit(child, path);
    }
  };
  visit(set, []);
  return found;
}

const elementOrder = 'fkvi';

/** Fields first, then items by key, by value, by index; within each by text. */
export function compareElements(a: string, b: string): number {
  const byType = elementOrder.indexOf(a[0] ?? '') - elementOrder.indexOf(b[0] ?? '');
  if (byType !== 0) return byType;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The same set with its elements in wire order, for what is stored and shown. */
export function sorted(set: FieldSet): FieldSet {
  const result: MutableFieldSet = {};
  for (const element of Object.keys(set).sort(compareElements)) result[element] = sorted(set[element] as FieldSet);
  return result;
}

/** Collects paths one by one while a value is walked. */
export interface FieldSetBuilder {
  member: boolean;
  children: Map<string, FieldSetBuilder> | undefined;
}

export function newBuilder(): FieldSetBuilder {
  return { member: false, children: undefined };
}

/** The builder of the path one element further. */
export function descend(builder: FieldSetBuilder, element: string): FieldSetBuilder {
  builder.children ??= new Map();
  let child = builder.children.get(element);
  if (child === undefined) {
    child = newBuilder();
    builder.children.set(element, child);
  }
  return child;
}

/** The set of what was collected. */
export function finish(builder: FieldSetBuilder): FieldSet {
  const result: MutableFieldSet = {};
  for (const [element, child] of builder.children ?? []) {
    const node = nodeOf(child.member, finish(child) as MutableFieldSet);
    if (node !== undefined) result[element] = node;
  }
  return result;
}
