import { RE2JS } from 're2js';
import { deepEqual, isRecord } from '../../../base/json.ts';
import {
  duplicate,
  type FieldError,
  invalidValue,
  required,
  tooLong,
  tooMany,
  typeInvalid,
  unsupported,
} from '../errors/field-error.ts';
import { formatFault } from './formats.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** Checks a value against a structural schema; every fault is reported, with its path. */
export function schemaFaults(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  if (value === undefined || (value === null && schema['nullable'] === true)) return [];
  if (!hasType(schema, value)) {
    const got = jsonType(value);
    return [typeInvalid(path, got, `${path} in body must be of type ${expectedType(schema)}: ${JSON.stringify(got)}`)];
  }
  const faults = [...enumFaults(schema, value, path), ...combinationFaults(schema, value, path)];
  if (typeof value === 'string') faults.push(...textFaults(schema, value, path));
  else if (typeof value === 'number') faults.push(...numberFaults(schema, value, path));
  else if (Array.isArray(value)) faults.push(...listFaults(schema, value, path));
  else if (isRecord(value)) faults.push(...fieldFaults(schema, value, path));
  return faults;
}

/** A name below a path; the root has none. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function hasType(schema: StructuralSchema, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) return typeof value === 'string' || Number.isInteger(value);
  switch (schema['type']) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isRecord(value);
    default:
      return true;
  }
}

function expectedType(schema: StructuralSchema): string {
  return schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : String(schema['type']);
}

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function limit(schema: StructuralSchema, name: string): number | undefined {
  const value = schema[name];
  return typeof value === 'number' ? value : undefined;
}

function enumFaults(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  const options = schema['enum'];
  if (!Array.isArray(options) || options.some((option) => deepEqual(option, value))) return [];
  return [unsupported(path, value, options)];
}

const patterns = new Map<string, RE2JS>();

function matches(pattern: string, value: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = RE2JS.compile(pattern);
    patterns.set(pattern, compiled);
  }
  return compiled.matcher(value).find();
}

function textFaults(schema: StructuralSchema, value: string, path: string): FieldError[] {
  const faults: FieldError[] = [];
  const [least, most, pattern] = [limit(schema, 'minLength'), limit(schema, 'maxLength'), schema['pattern']];
  const length = [...value].length;
  if (most !== undefined && length > most) faults.push(tooLong(path, most));
  if (least !== undefined && length < least) {
    faults.push(invalidValue(path, value, `${path} in body should be at least ${least} chars long`));
  }
  if (typeof pattern === 'string' && !matches(pattern, value)) {
    faults.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
  }
  const { format } = schema;
  if (typeof format === 'string' && formatFault(format, value)) {
    faults.push(typeInvalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`));
  }
  return faults;
}

function numberFaults(schema: StructuralSchema, value: number, path: string): FieldError[] {
  const faults: FieldError[] = [];
  const [least, most, step] = [limit(schema, 'minimum'), limit(schema, 'maximum'), limit(schema, 'multipleOf')];
  const fault = (text: string) => faults.push(invalidValue(path, value, `${path} in body should be ${text}`));
  if (most !== undefined) {
    if (schema['exclusiveMaximum'] === true && value >= most) fault(`less than ${most}`);
    else if (value > most) fault(`less than or equal to ${most}`);
  }
  if (least !== undefined) {
    if (schema['exclusiveMinimum'] === true && value <= least) fault(`greater than ${least}`);
    else if (value < least) fault(`greater than or equal to ${least}`);
  }
  if (step !== undefined && !Number.isInteger(value / step)) fault(`a multiple of ${step}`);
  return faults;
}

function listFaults(schema: StructuralSchema, value: readonly unknown[], path: string): FieldError[] {
  const faults: FieldError[] = [];
  const [least, most, { items }] = [limit(schema, 'minItems'), limit(schema, 'maxItems'), schema];
  if (isRecord(items)) faults.push(...value.flatMap((item, index) => schemaFaults(items, item, `${path}[${index}]`)));
  if (least !== undefined && value.length < least) {
    faults.push(invalidValue(path, value.length, `${path} in body should have at least ${least} items`));
  }
  if (most !== undefined && value.length > most) faults.push(tooMany(path, value.length, most));
  return faults;
}

function fieldFaults(schema: StructuralSchema, value: Record<string, unknown>, path: string): FieldError[] {
  const faults: FieldError[] = [];
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  for (const [name, item] of Object.entries(value)) {
    const child = Object.hasOwn(properties, name) ? properties[name] : schema['additionalProperties'];
    if (isRecord(child)) faults.push(...schemaFaults(child, item, join(path, name)));
  }
  for (const name of Array.isArray(schema['required']) ? (schema['required'] as string[]) : []) {
    if (value[name] === undefined) faults.push(required(join(path, name)));
  }
  const [least, most, count] = [
    limit(schema, 'minProperties'),
    limit(schema, 'maxProperties'),
    Object.keys(value).length,
  ];
  if (least !== undefined && count < least) {
    faults.push(invalidValue(path, count, `${path} in body should have at least ${least} properties`));
  }
  if (most !== undefined && count > most) faults.push(tooMany(path, count, most));
  return faults;
}

function combinationFaults(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  const passing = (name: string): [count: number, of: number] => {
    const options = Array.isArray(schema[name]) ? schema[name].filter(isRecord) : [];
    return [options.filter((option) => schemaFaults(option, value, path).length === 0).length, options.length];
  };
  const faults: FieldError[] = [];
  const fault = (text: string) =>
    faults.push(invalidValue(path === '' ? '<nil>' : path, path, `${JSON.stringify(path)} must ${text}`));
  const [any, anyOf] = passing('anyOf');
  if (anyOf > 0 && any === 0) fault('validate at least one schema (anyOf)');
  const [one, oneOf] = passing('oneOf');
  if (oneOf > 0 && one !== 1)
    fault(
      `validate one and only one schema (oneOf). ${one === 0 ? 'Found none valid' : `Found ${one} valid alternatives`}`,
    );
  const [all, allOf] = passing('allOf');
  if (all < allOf) fault('validate all the schemas (allOf)');
  const { not } = schema;
  if (isRecord(not) && schemaFaults(not, value, path).length === 0) fault('not validate the schema (not)');
  return faults;
}

/** Items that occur twice in a `set` or, by their keys, in a `map` list. */
export function listTypeFaults(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const inside = isRecord(items)
      ? value.flatMap((item, index) => listTypeFaults(items, item, `${path}[${index}]`))
      : [];
    return [...duplicateFaults(schema, value, path), ...inside];
  }
  if (!isRecord(value)) return [];
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  return Object.entries(value).flatMap(([name, item]) => {
    const child = Object.hasOwn(properties, name) ? properties[name] : schema['additionalProperties'];
    return isRecord(child) ? listTypeFaults(child, item, join(path, name)) : [];
  });
}

function duplicateFaults(schema: StructuralSchema, list: readonly unknown[], path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return [];
  const keys = (schema['x-kubernetes-list-map-keys'] ?? []) as string[];
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const id = listType === 'set' || !isRecord(item) ? item : Object.fromEntries(keys.map((key) => [key, item[key]]));
    const text = JSON.stringify(id);
    if (seen.has(text)) return [duplicate(`${path}[${index}]`, id)];
    seen.add(text);
    return [];
  });
}
