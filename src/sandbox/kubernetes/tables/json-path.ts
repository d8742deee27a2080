import { isRecord } from '../../../base/json.ts';

/** The first value of a printer column's path: fields, `[index]` and filters like `[?(@.type=="Ready")]`. */
export function valueAtJsonPath(object: unknown, path: string): unknown {
  let current: unknown[] = [object];
  for (const [, field, index, filterKey, filterValue] of path.matchAll(
    /\.((?:[\w-]|\\\.)+)|\[(\d+|\*)\]|\[\?\(@\.([\w.]+)\s*==\s*["']([^"']*)["']\)\]|\['[^']*'\]/g,
  )) {
    current = current.flatMap((value) => {
      if (field !== undefined) return isRecord(value) ? [value[field.replaceAll('\\.', '.')]] : [];
      if (!Array.isArray(value)) return [];
      if (index === '*') return value;
      if (index !== undefined) return [value[Number(index)]];
      return value.filter((item) => isRecord(item) && String(item[filterKey ?? '']) === filterValue);
    });
  }
  return current.find((value) => value !== undefined);
}
