import { RE2JS } from 're2js';
import { isRecord } from '../../base/json.ts';
import { celFaults } from './cel-rules.ts';
import type { OpenApiSchema } from './crd-schema.ts';
import { type FieldFault, invalidValue, required } from './status.ts';

/** Checks a custom resource against its structural schema; every fault is reported, with its path. */
export function schemaFaults(value: unknown, schema: OpenApiSchema, before?: unknown): FieldFault[] {
  const faults: FieldFault[] = [];
  check(value, schema, '', faults);
  if (faults.length === 0) faults.push(...celFaults(value, before, schema));
  return faults;
}

function check(value: unknown, schema: OpenApiSchema, path: string, faults: FieldFault[]): void {
  if (value === null && schema['nullable'] === true) return;
  if (!hasType(value, schema)) {
    const got =
      value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
    const message = `Invalid value: "${got}": ${path} in body must be of type ${schema['type']}: "${got}"`;
    faults.push({ field: path === '' ? '<nil>' : path, type: 'TypeInvalid', message });
    return;
  }
  checkLimits(value, schema, path, faults);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (isRecord(items)) for (const [index, item] of value.entries()) check(item, items, `${path}[${index}]`, faults);
  } else if (isRecord(value)) checkFields(value, schema, path, faults);
}

function checkFields(value: Record<string, unknown>, schema: OpenApiSchema, path: string, faults: FieldFault[]): void {
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  for (const key of Array.isArray(schema['required']) ? (schema['required'] as string[]) : []) {
    if (value[key] === undefined) faults.push(required(at(key)));
  }
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  for (const [key, child] of Object.entries(value)) {
    const childSchema = properties[key] ?? schema['additionalProperties'];
    if (isRecord(childSchema)) check(child, childSchema, at(key), faults);
  }
}

function hasType(value: unknown, schema: OpenApiSchema): boolean {
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

function checkLimits(value: unknown, schema: OpenApiSchema, path: string, faults: FieldFault[]): void {
  const limit = (name: string) => (typeof schema[name] === 'number' ? schema[name] : undefined);
  const options = schema['enum'];
  if (Array.isArray(options) && !options.includes(value)) {
    const supported = options.map((option) => JSON.stringify(option)).join(', ');
    faults.push({
      field: path,
      type: 'NotSupported',
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
    });
  }
  if (typeof value === 'string') checkText(value, schema, path, faults);
  if (typeof value === 'number') {
    const [min, max] = [limit('minimum'), limit('maximum')];
    if (min !== undefined && value < min)
      faults.push(invalidValue(path, value, `${path} in body should be greater than or equal to ${min}`));
    if (max !== undefined && value > max)
      faults.push(invalidValue(path, value, `${path} in body should be less than or equal to ${max}`));
  }
  if (Array.isArray(value)) {
    const [min, max] = [limit('minItems'), limit('maxItems')];
    if (min !== undefined && value.length < min)
      faults.push(invalidValue(path, value.length, `${path} in body should have at least ${min} items`));
    if (max !== undefined && value.length > max)
      faults.push({
        field: path,
        type: 'Invalid',
        message: `Too many: ${value.length}: must have at most ${max} items`,
      });
  }
}

function checkText(value: string, schema: OpenApiSchema, path: string, faults: FieldFault[]): void {
  const limit = (name: string) => (typeof schema[name] === 'number' ? schema[name] : undefined);
  const [min, max, pattern] = [limit('minLength'), limit('maxLength'), schema['pattern']];
  if (typeof pattern === 'string' && !RE2JS.compile(pattern).matcher(value).find()) {
    faults.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
  }
  if (min !== undefined && [...value].length < min)
    faults.push(invalidValue(path, value, `${path} in body should be at least ${min} chars long`));
  if (max !== undefined && [...value].length > max) {
    faults.push({ field: path, type: 'TooLong', message: `Too long: may not be more than ${max} bytes` });
  }
}
