import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { items, struct } from '../defaults/fields.ts';
import type { Column } from './column.ts';
import { humanDuration } from './human-duration.ts';

/** Pieces that tables of several kinds are made of. */

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  cell: ({ metadata }) => metadata.name,
};

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  cell: ({ metadata }, now) => age(metadata.creationTimestamp, now),
};

/** Time passed since a timestamp. */
export function age(timestamp: unknown, now: number): string {
  return typeof timestamp === 'string' ? humanDuration(now - Date.parse(timestamp)) : '<unknown>';
}

export function text(name: string, cell: Column['cell'], priority = 0): Column {
  return { name, type: 'string', cell, priority };
}

export function integer(name: string, cell: Column['cell'], priority = 0): Column {
  return { name, type: 'integer', cell, priority };
}

/** A number at a path, 0 where it is absent. */
export function numberAt(object: KubeObject, ...path: string[]): number {
  return Number(valueAt(object, ...path) ?? 0);
}

/** A text at a path, or what stands for none. */
export function textAt(object: unknown, path: readonly string[], none = '<none>'): string {
  const value = valueAt(object, ...path);
  return value === undefined || value === null || value === '' ? none : String(value);
}

/** `a=b,c=d`, or `<none>`. */
export function labelText(labels: unknown): string {
  const entries = Object.entries((labels ?? {}) as Record<string, string>);
  return entries.length === 0
    ? '<none>'
    : entries
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(',');
}

/** A `metav1.LabelSelector` as kubectl prints it. */
export function selectorText(selector: unknown): string {
  const parts = Object.entries((valueAt(selector, 'matchLabels') ?? {}) as Record<string, string>)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  for (const expression of items(selector, 'matchExpressions')) {
    const { key, operator } = expression;
    const values = `(${((expression['values'] ?? []) as string[]).join(',')})`;
    if (operator === 'In') parts.push(`${key} in ${values}`);
    else if (operator === 'NotIn') parts.push(`${key} notin ${values}`);
    else parts.push(operator === 'Exists' ? String(key) : `!${key}`);
  }
  return parts.length === 0 ? '<none>' : parts.join(',');
}

/** Names and images of the containers of a pod template, for `-o wide`. */
export function containerColumns(...path: string[]): Column[] {
  const containers = (object: KubeObject) => items(struct(object, ...path), 'containers');
  return [
    text(
      'Containers',
      (object) =>
        containers(object)
          .map(({ name }) => name)
          .join(','),
      1,
    ),
    text(
      'Images',
      (object) =>
        containers(object)
          .map(({ image }) => image)
          .join(','),
      1,
    ),
  ];
}

export function keyCount(...fields: string[]): Column['cell'] {
  return (object) => fields.reduce((count, field) => count + Object.keys(struct(object, field) ?? {}).length, 0);
}
