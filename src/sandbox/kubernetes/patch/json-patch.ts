import { deepEqual, isRecord } from '../../../base/json.ts';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** A patch that cannot be applied; the API answers it with 422. */
export class PatchFault extends Error {
  override readonly name = 'PatchFault';
}

/** Applies an RFC 6902 patch to a copy of the value. Throws PatchFault. */
export function applyJsonPatch(value: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new PatchFault('a JSON patch is a list of operations');
  let document: unknown = structuredClone(value);
  for (const operation of patch) document = applyOperation(document, operation as Operation);
  return document;
}

function applyOperation(document: unknown, { op, path, from, value }: Operation): unknown {
  switch (op) {
    case 'add':
      return write(document, pointer(path), structuredClone(value), 'add');
    case 'replace':
      read(document, pointer(path));
      return write(document, pointer(path), structuredClone(value), 'replace');
    case 'remove':
      return remove(document, pointer(path));
    case 'move': {
      const moved = read(document, pointer(from ?? ''));
      return write(remove(document, pointer(from ?? '')), pointer(path), moved, 'add');
    }
    case 'copy':
      return write(document, pointer(path), structuredClone(read(document, pointer(from ?? ''))), 'add');
    case 'test':
      if (!deepEqual(readOrUndefined(document, pointer(path)), value ?? undefined)) {
        const found = readOrUndefined(document, pointer(path));
        if (!(value === null && (found === undefined || found === null))) {
          throw new PatchFault(`testing value ${path} failed: test failed`);
        }
      }
      return document;
    default:
      throw new PatchFault(`unexpected kind of operation: ${op}`);
  }
}

function pointer(path: string): string[] {
  if (path === '') return [];
  if (typeof path !== 'string' || !path.startsWith('/')) throw new PatchFault(`"${path}" is not a JSON pointer`);
  return path
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function readOrUndefined(document: unknown, steps: readonly string[]): unknown {
  let value = document;
  for (const step of steps) {
    if (Array.isArray(value)) value = value[Number(step)];
    else value = isRecord(value) ? value[step] : undefined;
  }
  return value;
}

function read(document: unknown, steps: readonly string[]): unknown {
  const value = readOrUndefined(document, steps);
  if (value === undefined) throw new PatchFault(`/${steps.join('/')} does not exist`);
  return value;
}

function parentOf(document: unknown, steps: readonly string[]): [parent: unknown, last: string] {
  return [read(document, steps.slice(0, -1)), steps.at(-1) ?? ''];
}

function write(document: unknown, steps: readonly string[], value: unknown, how: 'add' | 'replace'): unknown {
  if (steps.length === 0) return value;
  const [parent, last] = parentOf(document, steps);
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : arrayIndex(last, parent.length);
    if (how === 'add') parent.splice(index, 0, value);
    else parent[index] = value;
  } else if (isRecord(parent)) parent[last] = value;
  else throw new PatchFault(`/${steps.join('/')} is below a value that has no members`);
  return document;
}

function remove(document: unknown, steps: readonly string[]): unknown {
  if (steps.length === 0) return undefined;
  const [parent, last] = parentOf(document, steps);
  if (Array.isArray(parent)) parent.splice(arrayIndex(last, parent.length - 1), 1);
  else if (isRecord(parent) && parent[last] !== undefined) delete parent[last];
  else throw new PatchFault(`unable to remove nonexistent key: ${last}`);
  return document;
}

function arrayIndex(text: string, most: number): number {
  const index = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : -1;
  if (index < 0 || index > most) throw new PatchFault(`index ${text} is out of bounds`);
  return index;
}
