import { deepEqual, isRecord } from '../../base/json.ts';
import type { ApiSchema } from './schema.ts';
import { ApiFailure, badRequest } from './status.ts';
import { childSchema } from './typed-value.ts';

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902. A failed test or a missing path is answered as the API server answers it, with 422. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  let result = structuredClone(target);
  for (const operation of patch) {
    if (!isRecord(operation) || typeof operation['op'] !== 'string' || typeof operation['path'] !== 'string') {
      throw badRequest('error decoding patch: operation without op or path');
    }
    result = runOperation(result, operation);
  }
  return result;
}

function runOperation(target: unknown, operation: Record<string, unknown>): unknown {
  const path = parsePointer(String(operation['path']));
  const from = typeof operation['from'] === 'string' ? parsePointer(operation['from']) : [];
  switch (operation['op']) {
    case 'add':
      return setAt(target, path, operation['value'], true);
    case 'replace':
      getAt(target, path);
      return setAt(target, path, operation['value'], false);
    case 'remove':
      return removeAt(target, path);
    case 'move': {
      const value = getAt(target, from);
      return setAt(removeAt(target, from), path, value, true);
    }
    case 'copy':
      return setAt(target, path, structuredClone(getAt(target, from)), true);
    case 'test':
      if (!deepEqual(getAt(target, path), operation['value']))
        throw unprocessable(`testing value ${operation['path']} failed`);
      return target;
    default:
      throw badRequest(`error decoding patch: unknown operation ${operation['op']}`);
  }
}

function unprocessable(message: string): ApiFailure {
  return new ApiFailure(422, 'Invalid', `the server rejected our request due to an error in our request: ${message}`);
}

function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function getAt(target: unknown, path: readonly string[]): unknown {
  let current = target;
  for (const key of path) {
    if (Array.isArray(current) && /^\d+$/.test(key) && Number(key) < current.length) current = current[Number(key)];
    else if (isRecord(current) && Object.hasOwn(current, key)) current = current[key];
    else throw unprocessable(`path /${path.join('/')} does not exist`);
  }
  return current;
}

function setAt(target: unknown, path: readonly string[], value: unknown, inserts: boolean): unknown {
  const key = path.at(-1);
  if (key === undefined) return value;
  const parent = getAt(target, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length)
      throw unprocessable(`index ${key} is out of bounds`);
    parent.splice(index, inserts ? 0 : 1, value);
  } else if (isRecord(parent)) parent[key] = value;
  else throw unprocessable(`path /${path.join('/')} does not exist`);
  return target;
}

function removeAt(target: unknown, path: readonly string[]): unknown {
  getAt(target, path);
  const key = path.at(-1) ?? '';
  const parent = getAt(target, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isRecord(parent)) delete parent[key];
  return target;
}

/** Kubernetes' strategic merge patch: lists merge by their patch merge key, `$patch`, `$retainKeys` and orders are honoured. */
export function strategicMergePatch(target: unknown, patch: unknown, schema: ApiSchema): unknown {
  if (!isRecord(patch)) return patch;
  if (patch['$patch'] === 'delete') return undefined;
  const { $patch, $retainKeys, ...fields } = patch;
  let result: Record<string, unknown> = isRecord(target) && $patch !== 'replace' ? { ...target } : {};
  if (Array.isArray($retainKeys)) {
    result = Object.fromEntries(Object.entries(result).filter(([key]) => $retainKeys.includes(key)));
  }
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith('$setElementOrder/')) continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const field = key.slice('$deleteFromPrimitiveList/'.length);
      const list = result[field];
      if (Array.isArray(list) && Array.isArray(value)) result[field] = list.filter((item) => !value.includes(item));
      continue;
    }
    const property = childSchema(schema, key);
    if (value === null) delete result[key];
    else if (Array.isArray(value))
      result[key] = mergeList(result[key], value, property, fields[`$setElementOrder/${key}`]);
    else {
      const merged = strategicMergePatch(result[key], value, property);
      if (merged === undefined) delete result[key];
      else result[key] = merged;
    }
  }
  return result;
}

function mergeList(target: unknown, patch: unknown[], schema: ApiSchema, order: unknown): unknown[] {
  const existing = Array.isArray(target) ? target : [];
  if (
    schema.patchStrategy?.includes('merge') !== true ||
    patch.some((item) => isRecord(item) && item['$patch'] === 'replace')
  ) {
    return patch.filter((item) => !isRecord(item) || item['$patch'] === undefined);
  }
  const mergeKey = schema.patchMergeKey;
  if (mergeKey === undefined)
    return [...existing, ...patch.filter((item) => !existing.some((known) => deepEqual(known, item)))];
  const result = [...existing];
  for (const item of patch) {
    if (!isRecord(item)) throw badRequest('strategic merge patch: a list item is not a map');
    const index = result.findIndex((known) => isRecord(known) && deepEqual(known[mergeKey], item[mergeKey]));
    if (item['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = strategicMergePatch(result[index], item, schema.items ?? {});
    else result.push(strategicMergePatch({}, item, schema.items ?? {}));
  }
  return Array.isArray(order) ? inOrderOf(result, order, mergeKey) : result;
}

function inOrderOf(list: unknown[], order: unknown[], mergeKey: string): unknown[] {
  const place = (item: unknown) =>
    order.findIndex((wanted) => isRecord(wanted) && isRecord(item) && deepEqual(wanted[mergeKey], item[mergeKey]));
  return [...list].sort((a, b) => {
    const [x, y] = [place(a), place(b)];
    return x < 0 || y < 0 ? 0 : x - y;
  });
}
