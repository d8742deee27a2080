import { deepEqual, isRecord } from '../base/json.ts';
import { cloneValue, setKey } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';

type Fields = Record<string, unknown>;

/**
 * RFC 6902, with two liberties of the library that kustomize uses: negative indexes count from the end, and `replace` sets a key
 * of a mapping that is not there yet. Changes `target` and gives what is left of it, which is another value where the whole is
 * replaced. Throws KUSTOMIZE_BUILD_FAILED for a path that is not there or a failed test.
 */
export function applyJsonPatch(target: Fields, operations: readonly unknown[], where: string): Fields {
  const document = { root: target as unknown };
  for (const [index, operation] of operations.entries()) {
    if (!isRecord(operation)) throw buildError(where, `operation ${index + 1} of the JSON patch is not a mapping`);
    run(document, operation, where);
  }
  if (!isRecord(document.root)) throw buildError(where, 'the JSON patch leaves something that is no mapping');
  return document.root;
}

interface PatchDocument {
  root: unknown;
}

type Fault = (what: string) => Error;

function run(document: PatchDocument, operation: Fields, where: string): void {
  const { op, value } = operation;
  const fault: Fault = (what) => buildError(where, `JSON patch: ${String(op)} ${String(operation['path'])}: ${what}`);
  const path = pathOf(operation, 'path', fault);
  switch (op) {
    case 'add':
      return add(document, path, cloneValue(value ?? null), fault);
    case 'replace':
      return replace(document, path, cloneValue(value ?? null), fault);
    case 'remove':
      return remove(find(document, path, fault), fault);
    case 'test':
      return test(document, path, operation, fault);
    case 'copy':
      return add(
        document,
        path,
        cloneValue(get(find(document, pathOf(operation, 'from', fault), fault), fault) ?? null),
        fault,
      );
    case 'move': {
      const source = find(document, pathOf(operation, 'from', fault), fault);
      const moved = get(source, fault);
      remove(source, fault);
      return add(document, path, moved ?? null, fault);
    }
    default:
      throw fault('the operation should be add, remove, replace, move, copy or test');
  }
}

function pathOf(operation: Fields, field: 'path' | 'from', fault: Fault): string {
  const path = operation[field];
  if (typeof path !== 'string') throw fault(`'${field}' is missing`);
  return path;
}

/** The container that holds a place, and the key in it. */
interface Place {
  holder: Fields | unknown[];
  key: string;
}

function find({ root }: PatchDocument, path: string, fault: Fault): Place {
  const steps = path.split('/').slice(1);
  const key = steps.pop();
  if (key === undefined) throw fault("a path begins with '/'");
  let holder: unknown = root;
  for (const step of steps) {
    const name = unescaped(step);
    holder = Array.isArray(holder)
      ? holder[indexIn(holder, name, fault)]
      : isRecord(holder)
        ? own(holder, name)
        : undefined;
    if (!Array.isArray(holder) && !isRecord(holder)) throw fault(`there is no '${name}' on the way`);
  }
  return { holder: holder as Place['holder'], key: unescaped(key) };
}

function own(map: Fields, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function unescaped(step: string): string {
  return step.replaceAll(/~[01]/g, (code) => (code === '~1' ? '/' : '~'));
}

/** An index of an item that is there. */
function indexIn(list: readonly unknown[], key: string, fault: Fault, length = list.length): number {
  if (!/^[-+]?[0-9]+$/.test(key)) throw fault(`'${key}' is no index`);
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  if (index < 0 || index >= length) throw fault(`there is no index ${key} in a list of ${list.length}`);
  return index;
}

function get({ holder, key }: Place, fault: Fault): unknown {
  return Array.isArray(holder) ? holder[indexIn(holder, key, fault)] : own(holder, key);
}

function add(document: PatchDocument, path: string, value: unknown, fault: Fault): void {
  const { holder, key } = find(document, path, fault);
  if (!Array.isArray(holder)) setKey(holder, key, value);
  else if (key === '-') holder.push(value);
  else holder.splice(indexIn(holder, key, fault, holder.length + 1), 0, value);
}

function replace(document: PatchDocument, path: string, value: unknown, fault: Fault): void {
  if (path === '') {
    document.root = value;
    return;
  }
  const { holder, key } = find(document, path, fault);
  if (Array.isArray(holder)) holder[indexIn(holder, key, fault)] = value;
  else setKey(holder, key, value);
}

function remove({ holder, key }: Place, fault: Fault): void {
  if (Array.isArray(holder)) holder.splice(indexIn(holder, key, fault), 1);
  else if (Object.hasOwn(holder, key)) delete holder[key];
  else throw fault('there is no such field');
}

function test(document: PatchDocument, path: string, operation: Fields, fault: Fault): void {
  const found = path === '' ? document.root : get(find(document, path, fault), fault);
  if (!deepEqual(found ?? null, operation['value'] ?? null))
    throw fault(`the value is ${JSON.stringify(String(found))}, not the one that is asked for`);
}
