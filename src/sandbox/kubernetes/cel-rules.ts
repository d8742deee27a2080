import { Environment } from '@marcbachmann/cel-js';
import { isRecord } from '../../base/json.ts';
import type { OpenApiSchema } from './crd-schema.ts';
import type { FieldFault } from './status.ts';

type Program = (context: Record<string, unknown>) => unknown;

const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });
const compiled = new Map<string, Program>();

/** Evaluates the CEL rules (`x-kubernetes-validations`) of a schema, at every node that has some. */
export function celFaults(value: unknown, before: unknown, schema: OpenApiSchema, path = ''): FieldFault[] {
  if (value === undefined || value === null) return [];
  const faults: FieldFault[] = [];
  const rules = schema['x-kubernetes-validations'];
  for (const rule of Array.isArray(rules) ? rules : []) {
    const fault = isRecord(rule) ? evaluate(rule, value, before, path) : undefined;
    if (fault !== undefined) faults.push(fault);
  }
  return [...faults, ...childFaults(value, before, schema, path)];
}

function childFaults(value: unknown, before: unknown, schema: OpenApiSchema, path: string): FieldFault[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return isRecord(items)
      ? value.flatMap((item, index) => celFaults(item, undefined, items, `${path}[${index}]`))
      : [];
  }
  if (!isRecord(value)) return [];
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  return Object.entries(value).flatMap(([key, child]) => {
    const childSchema = properties[key] ?? schema['additionalProperties'];
    const childBefore = isRecord(before) ? before[key] : undefined;
    return isRecord(childSchema)
      ? celFaults(child, childBefore, childSchema, path === '' ? key : `${path}.${key}`)
      : [];
  });
}

function evaluate(
  rule: Record<string, unknown>,
  self: unknown,
  oldSelf: unknown,
  path: string,
): FieldFault | undefined {
  const text = String(rule['rule']);
  // A transition rule applies only where there was a value before.
  if (/\boldSelf\b/.test(text) && oldSelf === undefined) return undefined;
  const field = path === '' ? '<nil>' : path;
  const kind = Array.isArray(self) ? 'array' : typeof self === 'object' ? 'object' : JSON.stringify(self);
  const shown = kind === 'object' || kind === 'array' ? `"${kind}"` : kind;
  try {
    if (programOf(text)({ self: withIntegers(self), oldSelf: withIntegers(oldSelf) }) === true) return undefined;
    const message = typeof rule['message'] === 'string' ? rule['message'] : `failed rule: ${text}`;
    return { field, type: 'Invalid', message: `Invalid value: ${shown}: ${message}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { field, type: 'Invalid', message: `Invalid value: ${shown}: rule evaluation error: ${reason}` };
  }
}

function programOf(text: string): Program {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const program = environment.parse(text) as Program;
  compiled.set(text, program);
  return program;
}

/** CEL has integers of its own; JSON's whole numbers are meant as such. */
function withIntegers(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(withIntegers);
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withIntegers(child)]));
  return value;
}
