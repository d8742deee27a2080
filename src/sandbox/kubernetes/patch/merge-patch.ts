import { isRecord } from '../../../base/json.ts';

/** Applies an RFC 7386 merge patch; neither operand is changed. */
export function applyMergePatch(value: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(value) ? { ...value } : {};
  for (const key in patch) {
    const change = patch[key];
    if (change === null) delete result[key];
    else result[key] = applyMergePatch(result[key], change);
  }
  return result;
}
