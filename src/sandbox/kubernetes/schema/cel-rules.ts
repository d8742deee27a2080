import { Environment } from '@marcbachmann/cel-js';
import { isRecord } from '../../../base/json.ts';
import type { FieldError } from '../errors/field-error.ts';
import { celLibrary } from './cel-library.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { join } from './structural-validation.ts';

type Program = (context: Record<string, unknown>) => unknown;

/** Evaluates the CEL rules (`x-kubernetes-validations`) of a schema at every node that has some. */
export function celFaults(schema: StructuralSchema, value: unknown, before: unknown, path: string): FieldError[] {
  if (value === undefined || value === null) return [];
  const rules = Array.isArray(schema['x-kubernetes-validations']) ? schema['x-kubernetes-validations'] : [];
  const own = rules.filter(isRecord).flatMap((rule) => evaluate(rule, value, before, path));
  return [...own, ...faultsInside(schema, value, before, path)];
}

/** Whether a schema has rules anywhere. */
export function hasRules(schema: StructuralSchema): boolean {
  if (Array.isArray(schema['x-kubernetes-validations'])) return true;
  const { properties, items, additionalProperties } = schema;
  const children = [items, additionalProperties, ...(isRecord(properties) ? Object.values(properties) : [])];
  return children.some((child) => isRecord(child) && hasRules(child));
}

function faultsInside(schema: StructuralSchema, value: unknown, before: unknown, path: string): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!isRecord(items)) return [];
    return value.flatMap((item, index) =>
      celFaults(items, item, siblingBefore(schema, item, before), `${path}[${index}]`),
    );
  }
  if (!isRecord(value)) return [];
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  return Object.entries(value).flatMap(([name, item]) => {
    const child = Object.hasOwn(properties, name) ? properties[name] : schema['additionalProperties'];
    return isRecord(child) ? celFaults(child, item, isRecord(before) ? before[name] : undefined, join(path, name)) : [];
  });
}

/** The former state of a list item: only items of `map` lists can be told apart. */
function siblingBefore(schema: StructuralSchema, item: unknown, before: unknown): unknown {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (!Array.isArray(keys) || !Array.isArray(before) || !isRecord(item)) return undefined;
  return before.find((one) => isRecord(one) && keys.every((key) => one[String(key)] === item[String(key)]));
}

const reasons: Readonly<Record<string, FieldError['reason']>> = {
  FieldValueInvalid: 'FieldValueInvalid',
  FieldValueForbidden: 'FieldValueForbidden',
  FieldValueRequired: 'FieldValueRequired',
  FieldValueDuplicate: 'FieldValueDuplicate',
};

function evaluate(rule: Record<string, unknown>, self: unknown, oldSelf: unknown, path: string): FieldError[] {
  const text = String(rule['rule']);
  // A transition rule holds only where there was a value before, unless it says that it copes.
  const isTransition = /\boldSelf\b/.test(text);
  const optional = rule['optionalOldSelf'] === true;
  if (isTransition && !optional && (oldSelf === undefined || oldSelf === null)) return [];
  const kind = Array.isArray(self) ? 'array' : isRecord(self) ? 'object' : undefined;
  const field = path === '' ? '<nil>' : path + fieldPathOf(rule);
  const fault = (detail: string, value: unknown): FieldError => ({
    reason: reasons[String(rule['reason'])] ?? 'FieldValueInvalid',
    field,
    value,
    detail,
    omitValue: value === undefined,
  });
  const variables = { self: celValue(self), oldSelf: celValue(oldSelf) };
  try {
    if (programOf(text)(variables) === true) return [];
  } catch (error) {
    return [
      fault(
        `rule evaluation error: ${error instanceof Error ? firstLine(error.message) : String(error)}`,
        kind ?? self,
      ),
    ];
  }
  const told = messageOf(rule, variables);
  if (told !== undefined) return [fault(told, undefined)];
  const message =
    typeof rule['message'] === 'string' && rule['message'] !== ''
      ? rule['message'].trim()
      : `failed rule: ${text.trim()}`;
  return [fault(message, kind ?? self)];
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? '';
}

/** `fieldPath: .a.b` moves the fault below the node of the rule. */
function fieldPathOf(rule: Record<string, unknown>): string {
  const { fieldPath } = rule;
  return typeof fieldPath === 'string' ? fieldPath : '';
}

function messageOf(rule: Record<string, unknown>, variables: Record<string, unknown>): string | undefined {
  const { messageExpression } = rule;
  if (typeof messageExpression !== 'string') return undefined;
  try {
    const message = programOf(messageExpression)(variables);
    return typeof message === 'string' && message.trim() !== '' ? message : undefined;
  } catch {
    return undefined;
  }
}

const environment = celLibrary(
  new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false, enableOptionalTypes: true }),
);
const programs = new Map<string, Program>();

function programOf(text: string): Program {
  let program = programs.get(text);
  if (program === undefined) {
    program = environment.parse(text) as Program;
    programs.set(text, program);
  }
  return program;
}

/** What is wrong with the text of a rule; undefined where it can be compiled. */
export function ruleFault(text: string): string | undefined {
  try {
    programOf(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? firstLine(error.message) : String(error);
  }
}

/** CEL has integers of its own; JSON's whole numbers are meant as such. */
function celValue(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(celValue);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, celValue(item)]));
  return value;
}
