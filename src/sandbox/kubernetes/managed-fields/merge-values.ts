import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { isRecord } from '../../../base/json.ts';
import { fieldNode, itemElement, itemNode, shapeOf } from './typed-value.ts';

/**
 * Lays an applied value over the live one: maps merge by key, associative lists by item in the applied order, everything else
 * is replaced. Neither operand is changed; the result shares their parts.
 */
export function mergeValues(node: SchemaNode, live: unknown, applied: unknown): unknown {
  if (applied === undefined || live === applied) return live;
  if (live === undefined || live === null) return applied;
  const shape = shapeOf(node, applied ?? live);
  if (shape === 'map') return mergeMaps(node, live, applied);
  if (shape === 'list') return mergeLists(node, live, applied);
  return applied;
}

function mergeMaps(node: SchemaNode, live: unknown, applied: unknown): unknown {
  if (!isRecord(live)) return applied;
  // An explicit null keeps what others own; pruning removes what the applier owned.
  if (!isRecord(applied)) return Object.keys(live).length === 0 ? applied : live;
  const result: Record<string, unknown> = { ...live };
  for (const key in applied) {
    const child = fieldNode(node, key);
    result[key] = child === undefined ? applied[key] : mergeValues(child, live[key], applied[key]);
  }
  return result;
}

function mergeLists(node: SchemaNode, live: unknown, applied: unknown): unknown {
  if (!Array.isArray(live)) return applied;
  if (!Array.isArray(applied)) return live.length === 0 ? applied : live;
  if (live.length === 0 || applied.length === 0) return live.length === 0 ? applied : live;
  const items = itemNode(node);
  const elementsOf = (list: unknown[]) => list.map((item, index) => itemElement(node, item) ?? `i:${index}`);
  const left = elementsOf(live);
  const right = elementsOf(applied);
  const leftIndex = new Map(left.map((element, index) => [element, index]));
  const rightIndex = new Map(right.map((element, index) => [element, index]));
  const merge = (element: string): unknown => {
    const leftAt = leftIndex.get(element);
    const rightAt = rightIndex.get(element);
    return mergeValues(
      items,
      leftAt === undefined ? undefined : live[leftAt],
      rightAt === undefined ? undefined : applied[rightAt],
    );
  };
  return orderOf(left, right, leftIndex, rightIndex).map(merge);
}

/**
 * The order of a merged list: the applied items in their order, and each live item that is not applied before the shared
 * item that it came before.
 */
function orderOf(
  left: readonly string[],
  right: readonly string[],
  leftIndex: ReadonlyMap<string, number>,
  rightIndex: ReadonlyMap<string, number>,
): string[] {
  const shared = right.filter((element) => leftIndex.has(element));
  let nextShared = shared.shift();
  const taken = new Set<string>();
  const order: string[] = [];
  let l = 0;
  let r = 0;
  const takeRight = (element: string) => {
    taken.add(element);
    order.push(element);
    r++;
    if (nextShared === element) nextShared = shared.shift();
  };
  while (l < left.length || r < right.length) {
    const leftElement = left[l];
    const rightElement = right[r];
    if (leftElement !== undefined && leftElement === rightElement) {
      takeRight(leftElement);
      l++;
      continue;
    }
    if (leftElement !== undefined && !rightIndex.has(leftElement)) {
      order.push(leftElement);
      l++;
      continue;
    }
    if (
      leftElement !== undefined &&
      (taken.has(leftElement) || (rightElement !== undefined && leftElement !== nextShared))
    ) {
      // Taken already, or its turn comes with the applied order.
      l++;
      continue;
    }
    if (rightElement !== undefined) takeRight(rightElement);
    else l++;
  }
  return order;
}
