import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { deepEqual, isRecord } from '../../../base/json.ts';
import { descend, type FieldSet, type FieldSetBuilder, finish, newBuilder } from './field-set.ts';
import { fieldNode, itemElement, itemNode, shapeOf } from './typed-value.ts';

/** Which fields differ between two versions of an object. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

interface Walk {
  added: FieldSetBuilder;
  modified: FieldSetBuilder;
  removed: FieldSetBuilder;
}

/** Compares two values as field ownership sees them. `undefined` is absent, null is a value. */
export function compareValues(node: SchemaNode, before: unknown, after: unknown): Comparison {
  const walk: Walk = { added: newBuilder(), modified: newBuilder(), removed: newBuilder() };
  compare(node, before, after, walk);
  return { added: finish(walk.added), modified: finish(walk.modified), removed: finish(walk.removed) };
}

function compare(node: SchemaNode, before: unknown, after: unknown, at: Walk): void {
  if (before === after) return;
  const shape = shapeOf(node, after ?? before);
  if (before !== undefined && before !== null && after !== undefined && after !== null) {
    const shapeBefore = shapeOf(node, before);
    if (shapeBefore !== shape) {
      at.modified.member = true;
      return;
    }
  }
  if (shape === 'leaf' || (isNothing(before) && isNothing(after))) compareLeaf(before, after, at);
  else {
    if (shape === 'map') compareMaps(node, before, after, at);
    else compareLists(node, before, after, at);
    if (before === undefined) at.added.member = true;
    else if (after === undefined) at.removed.member = true;
  }
}

/** Null, absent and empty count as a leaf, which keeps the difference between empty and null. */
function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isRecord(value)) {
    for (const _ in value) return false;
    return true;
  }
  return value === undefined || value === null;
}

function compareLeaf(before: unknown, after: unknown, at: Walk): void {
  if (before === undefined) at.added.member = true;
  else if (after === undefined) at.removed.member = true;
  else if (!deepEqual(before, after)) at.modified.member = true;
}

const noFields: Record<string, unknown> = {};

function compareMaps(node: SchemaNode, before: unknown, after: unknown, at: Walk): void {
  const left = isRecord(before) ? before : noFields;
  const right = isRecord(after) ? after : noFields;
  for (const key in left) compareField(node, key, left[key], right[key], at);
  for (const key in right) if (left[key] === undefined) compareField(node, key, undefined, right[key], at);
}

function compareField(node: SchemaNode, key: string, before: unknown, after: unknown, at: Walk): void {
  if (before === after) return;
  const child = fieldNode(node, key);
  if (child !== undefined) compare(child, before, after, below(at, `f:${key}`));
}

/** Builders one element further; the empty ones vanish when the set is finished. */
function below(at: Walk, element: string): Walk {
  return {
    added: descend(at.added, element),
    modified: descend(at.modified, element),
    removed: descend(at.removed, element),
  };
}

function compareLists(node: SchemaNode, before: unknown, after: unknown, at: Walk): void {
  const left = indexItems(node, before);
  const right = indexItems(node, after);
  const items = itemNode(node);
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const [leftItem, ...moreLeft] = left.get(element) ?? [];
    const [rightItem, ...moreRight] = right.get(element) ?? [];
    const walk = below(at, element);
    if (moreLeft.length === 0 && moreRight.length === 0) compare(items, leftItem, rightItem, walk);
    else if (moreLeft.length > 0 && moreRight.length > 0) {
      if (!deepEqual(left.get(element), right.get(element))) walk.modified.member = true;
    } else if (moreLeft.length > 0) {
      if (rightItem !== undefined) compare(items, undefined, rightItem, walk);
      walk.removed.member = true;
    } else {
      if (leftItem !== undefined) compare(items, leftItem, undefined, walk);
      walk.added.member = true;
    }
  }
}

/** Items by their path element; several under one element are duplicates. */
function indexItems(node: SchemaNode, list: unknown): Map<string, unknown[]> {
  const index = new Map<string, unknown[]>();
  if (!Array.isArray(list)) return index;
  list.forEach((item: unknown, position) => {
    const element = itemElement(node, item) ?? `i:${position}`;
    const known = index.get(element);
    if (known === undefined) index.set(element, [item]);
    else known.push(item);
  });
  return index;
}
