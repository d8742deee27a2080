import { valueAt } from '../../../base/json.ts';
import { items } from '../defaults/fields.ts';
import { age, ageColumn, nameColumn } from './cells.ts';
import type { Column } from './column.ts';
import { valueAtJsonPath } from './json-path.ts';

/** The columns of a version of a custom kind: the name, then its printer columns, or the age where it has none. */
export function customColumns(version: Record<string, unknown>): readonly Column[] {
  const declared = items(version, 'additionalPrinterColumns');
  if (declared.length === 0) return [nameColumn, ageColumn];
  return [nameColumn, ...declared.map(customColumn)];
}

function customColumn(column: Record<string, unknown>): Column {
  const text = (field: string) => String(valueAt(column, field) ?? '');
  const type = text('type') as Column['type'];
  const path = text('jsonPath');
  return {
    name: text('name'),
    type: type === 'date' ? 'string' : type,
    format: text('format'),
    priority: Number(column['priority'] ?? 0),
    description: text('description'),
    cell: (object, now) => {
      const value = valueAtJsonPath(object, path);
      if (value === undefined || value === null) return type === 'date' ? '<unknown>' : null;
      if (type === 'date') return age(value, now);
      if (type === 'string') return typeof value === 'object' ? JSON.stringify(value) : String(value);
      return value;
    },
  };
}
