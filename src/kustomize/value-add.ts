import { posix } from 'node:path';
import { isRecord } from '../base/json.ts';
import { textOf } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';
import { moveResource } from './namespace.ts';
import type { Resource } from './resource.ts';
import { formatId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';
import { type Selector, selectResources } from './selector.ts';

/** Where a ValueAddTransformer puts its value. */
export interface ValueTarget {
  selector?: Selector;
  /** Steps with `/` between them. */
  fieldPath?: string;
  /** From 1 on: the part of a file path that the value becomes; 0 replaces the whole. */
  filePathPosition?: number;
}

/** Puts one value at the targets. Throws KUSTOMIZE_BUILD_FAILED for a place that holds a collection. */
export function addValue(list: ResourceList, value: string, targets: readonly ValueTarget[], where: string): void {
  for (const { selector, fieldPath = '', filePathPosition = 0 } of targets) {
    const selected = selector === undefined ? list.resources : selectResources(list.resources, selector, where);
    for (const resource of selected) {
      if (fieldPath === 'metadata/namespace') moveResource(resource, { namespace: value, specs: [] });
      else
        setValue(resource, fieldPath.replaceAll('\\/', '\0').split('/'), {
          value,
          position: Number(filePathPosition),
          where,
        });
    }
  }
  list.idsChanged();
}

function setValue(
  resource: Resource,
  path: string[],
  { value, position, where }: { value: string; position: number; where: string },
): void {
  const steps = path.map((step) => step.replaceAll('\0', '/')).filter((step) => step !== '');
  const last = steps.pop();
  let map: Record<string, unknown> = resource.object;
  for (const step of steps) {
    if (map[step] === undefined || map[step] === null) map[step] = {};
    const next = map[step];
    if (!isRecord(next)) throw buildError(where, `'${step}' of ${formatId(resource.id)} is no mapping`);
    map = next;
  }
  if (last === undefined) return;
  const old = map[last];
  if (typeof old === 'object' && old !== null)
    throw buildError(where, `'${last}' of ${formatId(resource.id)} should be a single value`);
  map[last] = position > 0 ? insertedPart(textOf(map, last), position - 1, value) : value;
}

/** `a/b` with `X` at 1 is `a/X/b`; beyond the end it is the last part. */
function insertedPart(path: string, position: number, part: string): string {
  if (path === '') return part;
  const isAbsolute = path.startsWith('/');
  const parts = path.split('/').filter((one) => one !== '');
  parts.splice(Math.min(position, parts.length), 0, part);
  return `${isAbsolute ? '/' : ''}${posix.join(...parts)}`;
}
