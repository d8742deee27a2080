import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { isRecord } from '../../../base/json.ts';
import { appliedSetOf } from './applied-set.ts';
import { below, difference, type FieldSet, has, intersection, isEmpty, isSubset, union } from './field-set.ts';
import { fieldNode, itemElement, itemNode, shapeOf } from './typed-value.ts';

/**
 * Removes from a merged object what its applier set last time, does not set now, and nobody else owns.
 * `owned` is what all managers own together, the applier's new set included.
 */
export function prune(node: SchemaNode, merged: unknown, last: FieldSet, owned: FieldSet): unknown {
  if (isSubset(last, owned)) return merged;
  const lastMembers = withNamedFields(node, last);
  const ownedMembers = withNamedFields(node, owned);
  const mergedSet = withNamedFields(node, setOf(node, merged));

  let pruned = removeItems(node, merged, lastMembers);
  // What others own comes back,
  const prunedSet = withNamedFields(node, setOf(node, pruned));
  pruned = removeItems(node, merged, difference(mergedSet, union(prunedSet, ownedMembers)));
  // and so does what hung below the removed parts without an owner.
  const prunedAgain = withNamedFields(node, setOf(node, pruned));
  return removeItems(node, merged, intersection(difference(mergedSet, prunedAgain), lastMembers));
}

function setOf(node: SchemaNode, value: unknown): FieldSet {
  return appliedSetOf(node, value).set;
}

/** The set with every declared field on the way to a member as a member itself. */
function withNamedFields(node: SchemaNode | undefined, set: FieldSet): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const element in set) {
    if (element === '.') {
      result[element] = set[element] as FieldSet;
      continue;
    }
    const named = element.startsWith('f:') ? node?.properties?.[element.slice(2)] : undefined;
    const childNode =
      named ?? (node && (element.startsWith('f:') ? fieldNode(node, element.slice(2)) : itemNode(node)));
    const child = withNamedFields(childNode, set[element] as FieldSet);
    result[element] = named !== undefined && !isEmpty(child) ? { '.': {}, ...child } : child;
  }
  return result;
}

function removeItems(node: SchemaNode, value: unknown, remove: FieldSet): unknown {
  if (isEmpty(remove)) return value;
  const shape = shapeOf(node, value);
  if (shape === 'map' && isRecord(value)) return removeFields(node, value, remove);
  if (shape === 'list' && Array.isArray(value)) return removeListItems(node, value, remove);
  return value;
}

function removeFields(node: SchemaNode, value: Record<string, unknown>, remove: FieldSet): unknown {
  const result: Record<string, unknown> = {};
  let kept = false;
  for (const [key, item] of Object.entries(value)) {
    const element = `f:${key}`;
    if (has(remove, element)) continue;
    const rest = below(remove, element);
    const child = fieldNode(node, key);
    result[key] = isEmpty(rest) || child === undefined ? item : removeItems(child, item, rest);
    kept = true;
  }
  return kept ? result : null;
}

function removeListItems(node: SchemaNode, value: unknown[], remove: FieldSet): unknown {
  const items = itemNode(node);
  const result: unknown[] = [];
  for (const item of value) {
    const element = itemElement(node, item);
    if (element === undefined) {
      result.push(item);
      continue;
    }
    if (has(remove, element)) continue;
    const rest = below(remove, element);
    result.push(isEmpty(rest) ? item : removeItems(items, item, rest));
  }
  return result.length > 0 ? result : null;
}
