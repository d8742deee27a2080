import { isRecord } from '../../base/json.ts';
import { AwsFault } from './fault.ts';

/** Reads fields of a JSON request by type; a field of another type is the client's mistake, and answered as such. */
export type JsonInput = Readonly<Record<string, unknown>>;

export function optionalText(input: JsonInput, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(field, 'a string');
  return value;
}

export function requiredText(input: JsonInput, field: string): string {
  const value = optionalText(input, field);
  if (value === undefined || value === '') {
    throw new AwsFault(
      'InvalidParameterException',
      `Invalid parameter at '${field}' failed to satisfy constraint: 'must not be null'`,
    );
  }
  return value;
}

export function optionalNumber(input: JsonInput, field: string): number | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw wrongType(field, 'a number');
  return value;
}

export function optionalBoolean(input: JsonInput, field: string): boolean | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongType(field, 'a boolean');
  return value;
}

/** An object of strings; empty when absent. */
export function textMap(input: JsonInput, field: string): Record<string, string> {
  const value = input[field] ?? {};
  if (!isRecord(value)) throw wrongType(field, 'an object');
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}

/** A list of strings; undefined when absent. */
export function textList(input: JsonInput, field: string): string[] | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw wrongType(field, 'a list of strings');
  return value;
}

/** A list of objects; undefined when absent. */
export function objectList(input: JsonInput, field: string): Record<string, unknown>[] | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || !value.every(isRecord)) throw wrongType(field, 'a list of objects');
  return value;
}

function wrongType(field: string, wanted: string): AwsFault {
  return new AwsFault('SerializationException', `${field} is not ${wanted}`);
}
