import { isRecord } from '../../base/json.ts';
import { Expression } from './hcl.ts';

/** Values laid over others: maps are merged, lists joined (of components the later wins), everything else is replaced. */
export function overlay(base: unknown, extra: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(extra)) return [...base, ...extra];
  if (!isRecord(base) || !isRecord(extra) || base instanceof Expression) return extra ?? base;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(extra)) {
    merged[key] = key === 'components' ? value : key in base ? overlay(base[key], value) : value;
  }
  return merged;
}
