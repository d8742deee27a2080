import { isRecord } from '../../base/json.ts';

/**
 * A set of field paths in the form of `FieldsV1`: keys are path elements (`f:name`, `k:{…}`, `v:…`), a node with `.` or
 * without children is a member of the set, a node with children only leads to members.
 */
export type FieldSet = { [element: string]: FieldSet };

export const noFields: Readonly<FieldSet> = {};

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Puts a path into the set. */
export function insert(set: FieldSet, path: readonly string[]): void {
  let node = set;
  path.forEach((element, index) => {
    const known = node[element];
    if (known === undefined) {
      const child: FieldSet = {};
      node[element] = child;
      node = child;
    } else {
      // A member that gets children needs the mark of a member.
      if (isEmpty(known) && index < path.length - 1) known['.'] = {};
      node = known;
    }
    if (index === path.length - 1 && !isEmpty(node)) node['.'] = {};
  });
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return structuredClone(b);
  const result = structuredClone(a);
  for (const path of members(b)) insert(result, path);
  return result;
}

/** The members of `a` that are not members of `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return filter(a, (path) => !has(b, path));
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return filter(a, (path) => has(b, path));
}

function filter(set: FieldSet, keep: (path: string[]) => boolean): FieldSet {
  const result: FieldSet = {};
  for (const path of members(set)) if (keep(path)) insert(result, path);
  return result;
}

/** True when the path itself is a member. */
export function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return isMember(node);
}

function isMember(node: FieldSet): boolean {
  return isEmpty(node) || node['.'] !== undefined;
}

/** The paths of all members, parents first. */
export function* members(set: FieldSet, path: string[] = []): Generator<string[]> {
  for (const element in set) {
    if (element === '.') continue;
    const child = set[element] as FieldSet;
    const childPath = [...path, element];
    if (isMember(child)) yield childPath;
    yield* members(child, childPath);
  }
}

export function sameFields(a: FieldSet, b: FieldSet): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => {
      const other = b[key];
      return other !== undefined && sameFields(a[key] as FieldSet, other);
    })
  );
}

/** `.spec.containers[name="main"].image`: how conflicts name a path. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  const keys: unknown = JSON.parse(text);
  if (!isRecord(keys)) return `[${text}]`;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}]`;
}
