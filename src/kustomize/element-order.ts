import { isRecord } from '../base/json.ts';
import { scalarText, textOf } from '../yaml/original-text.ts';

/**
 * The items of a merged list in the order of a `$setElementOrder`; those it does not name stay before the named ones that they
 * stood before in `before`, the list as it was (k8s.io/apimachinery strategicpatch). `keys` as in MergeNode.
 */
export function inElementOrder(
  items: readonly unknown[],
  order: readonly unknown[],
  before: readonly unknown[],
  keys: readonly string[],
): unknown[] {
  const identity = (item: unknown) =>
    keys.length === 0 ? scalarText(item) : keys.map((key) => (isRecord(item) ? textOf(item, key) : '')).join('\0');
  const ranks = new Map(order.map((item, index) => [identity(item), index]));
  const places = new Map(before.map((item, index) => [identity(item), index]));
  const rank = (item: unknown) => ranks.get(identity(item));
  const place = (item: unknown) => places.get(identity(item));
  const named = items.filter((item) => rank(item) !== undefined);
  const others = items.filter((item) => rank(item) === undefined);
  named.sort((a, b) => (rank(a) ?? 0) - (rank(b) ?? 0));
  others.sort((a, b) => (place(a) ?? 0) - (place(b) ?? 0));
  const result: unknown[] = [];
  for (const item of named) {
    const at = place(item) ?? -1;
    while (others.length > 0 && (place(others[0]) ?? 0) < at) result.push(others.shift());
    result.push(item);
  }
  return [...result, ...others];
}
