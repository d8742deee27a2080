import { deepEqual, isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';

/** RFC 6902. Changes `target`; throws KUSTOMIZE_BUILD_FAILED for a path that is not there or a failed test. */
export function applyJsonPatch(target: Record<string, unknown>, operations: readonly unknown[], where: string): void {
  for (const operation of operations) {
    if (!isRecord(operation) || typeof operation['path'] !== 'string')
      throw buildError(where, 'a JSON patch operation has no path');
    run(target, operation, operation['path'], where);
  }
}

function run(target: unknown, operation: Record<string, unknown>, path: string, where: string): void {
  const fault = (what: string) => buildError(where, `JSON patch ${String(operation['op'])} ${path}: ${what}`);
  const keys = parsePointer(path);
  const last = keys.at(-1);
  if (last === undefined) throw fault('the whole object cannot be replaced');
  const parent = find(target, keys.slice(0, -1));
  const current = child(parent, last);
  switch (operation['op']) {
    case 'add':
      return put(parent, last, structuredClone(operation['value']), true, fault);
    case 'replace':
      if (current === undefined) throw fault('the path does not exist');
      return put(parent, last, structuredClone(operation['value']), false, fault);
    case 'remove':
      if (current === undefined) throw fault('the path does not exist');
      return remove(parent, last);
    case 'test':
      if (!deepEqual(current, operation['value'])) throw fault('the value is another one');
      return;
    case 'move':
    case 'copy': {
      const from = parsePointer(String(operation['from'] ?? ''));
      const source = find(target, from.slice(0, -1));
      const value = child(source, from.at(-1) ?? '');
      if (value === undefined) throw fault(`${String(operation['from'])} does not exist`);
      if (operation['op'] === 'move') remove(source, from.at(-1) ?? '');
      return put(parent, last, structuredClone(value), true, fault);
    }
    default:
      throw fault('the operation is unknown');
  }
}

function parsePointer(pointer: string): string[] {
  return pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function find(target: unknown, keys: readonly string[]): unknown {
  return keys.reduce((value: unknown, key) => child(value, key), target);
}

function child(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isRecord(value) ? value[key] : undefined;
}

function put(parent: unknown, key: string, value: unknown, inserts: boolean, fault: (what: string) => Error): void {
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw fault('the index is out of bounds');
    parent.splice(index, inserts ? 0 : 1, value);
  } else if (isRecord(parent)) parent[key] = value;
  else throw fault('the path does not exist');
}

function remove(parent: unknown, key: string): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isRecord(parent)) delete parent[key];
}
