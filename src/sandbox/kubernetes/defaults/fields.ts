import { isRecord } from '../../../base/json.ts';

export type Fields = Record<string, unknown>;

/** A struct field, to be changed in place; undefined where it is absent. */
export function struct(parent: unknown, ...path: readonly string[]): Fields | undefined {
  let value: unknown = parent;
  for (const field of path) value = isRecord(value) ? value[field] : undefined;
  return isRecord(value) ? value : undefined;
}

/** The structs of a list field. */
export function items(parent: unknown, field: string): Fields[] {
  const list = isRecord(parent) ? parent[field] : undefined;
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

/** Sets what is absent. */
export function setDefaults(target: Fields | undefined, defaults: Fields): void {
  if (target === undefined) return;
  for (const field in defaults)
    if (target[field] === undefined || target[field] === null) target[field] = defaults[field];
}
